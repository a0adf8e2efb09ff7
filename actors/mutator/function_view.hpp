// One function as the operators see it: its tokens with the neighbourhood facts that they ask for.
#pragma once

#include <bitset>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "actors/syntax/tokens.hpp"

namespace mendel::mutator {

// A logical line: tokens [begin, end), the newline not included; several statements if they share it.
struct Statement {
  std::uint32_t begin, end;
  std::uint32_t indent_bytes;  // white space before its first token
  std::uint32_t line_begin, line_end;  // physical lines, end one past the last
};

// One argument of a call: tokens [first, last].
struct Argument {
  std::uint32_t first, last;
  bool named;  // name=value
  bool starred;  // *values or **values
};

// Views into a text that the caller keeps alive. Comments are left out. Every question may be asked of
// any index, also of one outside: the answer is then "no" or size(). Building is linear.
class FunctionView {
 public:
  explicit FunctionView(std::string_view text);

  std::string_view text() const { return text_; }
  std::uint32_t size() const { return static_cast<std::uint32_t>(tokens_.size()); }
  const syntax::Token& operator[](std::uint32_t i) const { return tokens_[i]; }
  std::string_view word(std::uint32_t i) const {
    return i < size() ? text_.substr(tokens_[i].bytes.begin, tokens_[i].bytes.size()) : std::string_view();
  }
  // The text from token `first` to token `last`, both included.
  std::string_view words(std::uint32_t first, std::uint32_t last) const {
    return text_.substr(tokens_[first].bytes.begin, tokens_[last].bytes.end - tokens_[first].bytes.begin);
  }
  bool is(std::uint32_t i, std::string_view text) const { return i < size() && word(i) == text; }
  bool is_any(std::uint32_t i, std::span<const std::string_view> texts) const;
  // False only if no token reads like this: a quick way out for finders that need a rare word.
  bool may_have(std::string_view word) const { return words_.test(slot_of(word)); }
  bool may_have_any(std::initializer_list<std::string_view> words) const;
  syntax::TokenKind kind(std::uint32_t i) const { return i < size() ? tokens_[i].kind : syntax::TokenKind::newline; }

  // Brackets open around token i; a bracket itself is outside of what it opens.
  std::uint32_t depth(std::uint32_t i) const { return i < size() ? depth_[i] : 0; }
  // The bracket that opens what token i stands in, or size().
  std::uint32_t opener(std::uint32_t i) const { return i < size() ? opener_[i] : size(); }
  // The bracket that closes the one at i, or size().
  std::uint32_t closer(std::uint32_t i) const { return i < size() && partner_[i] > i ? partner_[i] : size(); }
  // The bracket that the one at i closes, or size().
  std::uint32_t closed_by(std::uint32_t i) const { return i < size() && partner_[i] < i ? partner_[i] : size(); }
  // Could the token end an operand, so that an operator after it is binary?
  bool ends_operand(std::uint32_t i) const;
  // Does the bracket at i call or index what stands before it?
  bool follows_operand(std::uint32_t i) const;
  // Is the operator at i one between two operands?
  bool is_binary(std::uint32_t i) const { return i > 0 && kind(i) == syntax::TokenKind::op && ends_operand(i - 1) && !starts_statement(i); }
  // First token of the names, calls and subscripts that end at i (`a.b(c)[d]`), or size() if there are none.
  std::uint32_t operand_begin(std::uint32_t i) const;
  // Last token of those that begin at i, or size().
  std::uint32_t operand_end(std::uint32_t i) const;
  // Of the call whose bracket opens at `open`. Empty too if it is no plain list (a generator, an error).
  std::vector<Argument> arguments(std::uint32_t open) const;

  const std::vector<Statement>& statements() const { return statements_; }
  // Index of the statement that holds token i < size().
  std::uint32_t statement_of(std::uint32_t i) const { return statement_of_[i]; }
  bool starts_statement(std::uint32_t i) const { return i < size() && statements_[statement_of_[i]].begin == i; }
  // Does the statement open a block (ends with ':')?
  bool opens_block(const Statement& statement) const { return is(statement.end - 1, ":"); }
  // The colon after the condition of a statement such as `if`, or its end.
  std::uint32_t colon(const Statement& statement) const;
  // Is the statement one line, and nothing else on it?
  bool alone_on_line(std::uint32_t statement) const;
  // One past the last statement of the block that statement `s` opens; s + 1 if it opens none.
  std::uint32_t block_end(std::uint32_t s) const;
  // Does the statement of token i only log, print or warn? Nobody would notice a slip there.
  bool unnoticed(std::uint32_t i) const;
  // Is token i part of the annotation of a parameter or variable, or of the answer's type?
  bool in_annotation(std::uint32_t i) const;
  // Index of the statement with the function's own `def`, or the number of statements.
  std::uint32_t header() const;

  // Bytes of the statement's whole physical lines, the line feed included.
  syntax::Range lines(const Statement& statement) const;
  // What to take out so that the statements [first, end) are gone and the rest keeps its lines. Nothing
  // if a block were left empty or something shares their lines.
  std::optional<syntax::Range> removal(std::uint32_t first, std::uint32_t end) const;

 private:
  static constexpr std::size_t kWordSlots = 1024;
  static std::size_t slot_of(std::string_view word);

  std::string_view text_;
  std::vector<syntax::Token> tokens_;
  std::vector<std::uint32_t> depth_, opener_, partner_, statement_of_;
  std::bitset<kWordSlots> words_;
  std::vector<Statement> statements_;
  std::vector<std::uint32_t> line_starts_;
};

// Would Python's indentation rules accept the function, with statement `changed` indented by `indent`?
bool indentation_holds(const FunctionView& view, std::uint32_t changed, std::uint32_t indent);
bool indentation_holds(const FunctionView& view);

}  // namespace mendel::mutator
