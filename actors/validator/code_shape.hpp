// What of a text the program is made of: tokens in logical lines with their block structure. Two texts
// of equal shape that both parse are the same program, whatever their white space and comments.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "actors/syntax/tokens.hpp"

namespace mendel::validator {

// One statement line: block depth and tokens. Line breaks inside brackets do not count, nor does how
// far a block is indented, only that it is.
struct LogicalLine {
  std::uint32_t depth = 0;
  std::vector<std::string_view> tokens;  // into the text; never empty
  bool only_strings = false;  // a docstring or another string that stands alone
  bool operator==(const LogicalLine& other) const { return depth == other.depth && tokens == other.tokens; }
};

// `tokens` must be those of `text`. Any text; a line that dedents to no known depth gets that of the
// nearest one above.
std::vector<LogicalLine> logical_lines(std::string_view text, std::span<const syntax::Token> tokens);

enum class Change : std::uint8_t { none, layout, docstring, code };

// How much of the program changed, at most.
Change change_between(std::string_view before, std::span<const syntax::Token> before_tokens, std::string_view after,
                      std::span<const syntax::Token> after_tokens);

}  // namespace mendel::validator
