// Follows Python's own lexical rules: indentation counts at the start of logical lines only, tabs go to
// the next multiple of eight.
#include "actors/validator/code_shape.hpp"

#include <algorithm>

namespace mendel::validator {
namespace {

using syntax::Token;
using syntax::TokenKind;

std::uint32_t column_of(std::string_view text, const Token& token) {
  std::size_t begin = token.bytes.begin;
  while (begin > 0 && text[begin - 1] != '\n') --begin;
  std::uint32_t column = 0;
  for (std::size_t at = begin; at < token.bytes.begin; ++at) column = text[at] == '\t' ? (column / 8 + 1) * 8 : text[at] == '\f' ? 0 : column + 1;
  return column;
}

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  void take(const Token& token) {
    if (token.kind == TokenKind::comment) return;
    if (token.kind == TokenKind::newline) return end_line();
    if (line_.tokens.empty()) begin_line(token);
    const auto word = text_.substr(token.bytes.begin, token.bytes.size());
    line_.tokens.push_back(word);
    line_.only_strings = line_.only_strings && token.kind == TokenKind::string;
    if (token.kind != TokenKind::op || word.size() != 1) return;
    if (word == "(" || word == "[" || word == "{") ++brackets_;
    if ((word == ")" || word == "]" || word == "}") && brackets_ > 0) --brackets_;
  }

  std::vector<LogicalLine> finish() {
    brackets_ = 0;
    end_line();
    return std::move(lines_);
  }

 private:
  void begin_line(const Token& token) {
    const auto column = column_of(text_, token);
    while (!columns_.empty() && columns_.back() > column) columns_.pop_back();
    if (columns_.empty() || columns_.back() < column) columns_.push_back(column);
    line_.depth = static_cast<std::uint32_t>(columns_.size());
    line_.only_strings = true;
  }

  void end_line() {
    if (brackets_ > 0 || line_.tokens.empty()) return;
    lines_.push_back(std::move(line_));
    line_ = {};
  }

  std::string_view text_;
  std::vector<std::uint32_t> columns_;  // of the open blocks
  std::uint32_t brackets_ = 0;
  LogicalLine line_;
  std::vector<LogicalLine> lines_;
};

}  // namespace

std::vector<LogicalLine> logical_lines(std::string_view text, std::span<const Token> tokens) {
  Reader reader(text);
  for (const auto& token : tokens) reader.take(token);
  return reader.finish();
}

Change change_between(std::string_view before, std::span<const Token> before_tokens, std::string_view after,
                      std::span<const Token> after_tokens) {
  if (before == after) return Change::none;
  auto a = logical_lines(before, before_tokens), b = logical_lines(after, after_tokens);
  if (a == b) return Change::layout;
  const auto drop_strings = [](std::vector<LogicalLine>& lines) { std::erase_if(lines, [](const LogicalLine& line) { return line.only_strings; }); };
  drop_strings(a);
  drop_strings(b);
  return a == b ? Change::docstring : Change::code;
}

}  // namespace mendel::validator
