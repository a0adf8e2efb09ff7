// One function as the operators see it: its tokens with the neighbourhood facts that they ask for.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "actors/syntax/tokens.hpp"

namespace mendel::mutator {

// A statement: tokens [begin, end), the newline not included.
struct Statement {
  std::uint32_t begin, end;
  std::uint32_t indent_bytes;  // white space before its first token
  std::uint32_t line_begin, line_end;  // physical lines, end one past the last
};

// Views into a text that the caller keeps alive. Comments are left out of `tokens`.
class FunctionView {
 public:
  explicit FunctionView(std::string_view text);

  std::string_view text() const { return text_; }
  std::uint32_t size() const { return static_cast<std::uint32_t>(tokens_.size()); }
  const syntax::Token& operator[](std::uint32_t i) const { return tokens_[i]; }
  std::string_view word(std::uint32_t i) const {
    return i < size() ? text_.substr(tokens_[i].bytes.begin, tokens_[i].bytes.size()) : std::string_view();
  }
  bool is(std::uint32_t i, std::string_view text) const { return i < size() && word(i) == text; }
  syntax::TokenKind kind(std::uint32_t i) const { return i < size() ? tokens_[i].kind : syntax::TokenKind::newline; }
  // Brackets open before token i.
  std::uint32_t depth(std::uint32_t i) const { return depth_[i]; }
  // The bracket that closes the one at i, or size().
  std::uint32_t closer(std::uint32_t i) const;
  // Could the token end an operand, so that an operator after it is binary?
  bool ends_operand(std::uint32_t i) const;

  const std::vector<Statement>& statements() const { return statements_; }
  // Index of the statement that holds token i.
  std::uint32_t statement_of(std::uint32_t i) const { return statement_of_[i]; }
  // Does the statement open a block (ends with ':' at depth 0)?
  bool opens_block(const Statement& statement) const { return is(statement.end - 1, ":"); }
  // Bytes of the statement's whole physical lines, the line feed included.
  syntax::Range lines(const Statement& statement) const;
  // May the statement be removed without leaving its block empty? False too if it shares its lines.
  bool removable(std::uint32_t statement) const;

 private:
  std::string_view text_;
  std::vector<syntax::Token> tokens_;
  std::vector<std::uint32_t> depth_;
  std::vector<std::uint32_t> statement_of_;
  std::vector<Statement> statements_;
  std::vector<std::uint32_t> line_starts_;
};

}  // namespace mendel::mutator
