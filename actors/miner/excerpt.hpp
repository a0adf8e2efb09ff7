// The part of a file that a small change has to be parsed with: the statements around it, and of a class only
// its head and the members around it. Found without a parse, at a fraction of its cost.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "actors/syntax/tokens.hpp"

namespace mendel::miner {

// A line at which a statement starts: outside strings, brackets and continued lines, not a comment, not a
// clause (else, elif, except, finally) of a statement before.
struct StatementLine {
  std::uint32_t line = 0;  // 0-based
  std::uint32_t indent = 0;  // white space in front, bytes
  std::size_t offset = 0;  // of the first byte that is none
};

// In order. Any bytes; linear time. In text that does not parse, fewer or other lines may be found.
std::vector<StatementLine> statement_lines(std::string_view text);

// Two versions cut alike. Symbols, functions and lines of a tree over these are those of the whole files, but
// that lines from the change on stand `lines_gone` further up.
struct Excerpt {
  std::string before, after;
  std::uint32_t lines_gone = 0;
};

// `hunks`: not empty, in order, of lines. Neighbours of the change and decorators are kept; where the two
// versions cannot be cut alike the excerpt is the whole of them.
Excerpt excerpt_around(std::string_view before, std::string_view after, std::span<const syntax::Hunk> hunks);

}  // namespace mendel::miner
