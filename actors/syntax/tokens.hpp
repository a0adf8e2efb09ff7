// A flat list of Python tokens, made by a scanner that never fails, and differences over it.
//
// Used where parse trees are too slow or absent: near-duplicates, edit signatures, difference checks.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "actors/syntax/tree.hpp"

namespace mendel::syntax {

enum class TokenKind : std::uint8_t { name, keyword, number, string, op, comment, newline, error };

struct Token {
  TokenKind kind;
  Range bytes;
  std::uint32_t line;  // 0-based
};

// Tokens of any bytes, white space between them left out (but `newline` at the end of each line that
// has tokens). Strings keep prefix and quotes; an unclosed string ends at its line, triple ones at
// the end of the text. Linear time.
std::vector<Token> tokens(std::string_view text);

bool is_keyword(std::string_view word);

// Hunks that turn `before` into `after`, smallest edit script (Myers), in order. Ranges count lines.
struct Hunk {
  std::uint32_t before_begin, before_end;
  std::uint32_t after_begin, after_end;
};
// At most `changes_max` added + removed lines are searched for; more gives one hunk over everything
// between common prefix and suffix.
std::vector<Hunk> line_difference(std::string_view before, std::string_view after, std::uint32_t changes_max = 2000);

// The same over tokens without comments and newlines, compared by their text.
std::vector<Hunk> token_difference(std::string_view before, std::span<const Token> before_tokens, std::string_view after,
                                   std::span<const Token> after_tokens, std::uint32_t changes_max = 2000);

// Unified diff (3 lines of context, "--- a/…", "+++ b/…"), empty if equal. Understood by patch(1).
std::string unified_diff(std::string_view before, std::string_view after, std::string_view name);

}  // namespace mendel::syntax
