// From a block as people paste it to Python source: prompts and outputs of interactive sessions gone,
// indentation and line ends plain; and what says that a block is no Python 3.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "actors/miner/stackoverflow/code_blocks.hpp"

namespace mendel::miner {

struct Snippet {
  std::string text;  // no line feed at the end; empty if left out
  bool session = false;  // prompts were stripped
  const char* reason = "";  // why it is left out: not_text, other_language, no_code, console, too_long, python2
};

Snippet snippet_of(const CodeBlock& block, std::size_t lines_max);

// The text without the indentation that all its lines share.
std::string dedented(std::string_view text);

// One row: what only Python 2 has, with a text that has it and one of Python 3 beside it.
struct Python2Sign {
  const char* name;
  const char* python2;
  const char* python3;
};
std::span<const Python2Sign> python2_signs();

// The name of the first sign that the text shows, empty if none.
std::string_view python2_sign(std::string_view text);

}  // namespace mendel::miner
