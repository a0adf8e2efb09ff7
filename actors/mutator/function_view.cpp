// One pass over the tokens: depth, statements, physical lines.
#include "actors/mutator/function_view.hpp"

#include <algorithm>

namespace mendel::mutator {

using syntax::TokenKind;

FunctionView::FunctionView(std::string_view text) : text_(text) {
  line_starts_.push_back(0);
  for (std::uint32_t i = 0; i < text.size(); ++i)
    if (text[i] == '\n') line_starts_.push_back(i + 1);
  const auto all = syntax::tokens(text);
  tokens_.reserve(all.size());
  std::uint32_t depth = 0, begin = 0;
  const auto close_statement = [&] {
    const auto end = static_cast<std::uint32_t>(tokens_.size());
    if (end == begin) return;
    const auto& first = tokens_[begin];
    const auto& last = tokens_[end - 1];
    const auto piece = text.substr(last.bytes.begin, last.bytes.size());
    const auto last_line = last.line + static_cast<std::uint32_t>(std::count(piece.begin(), piece.end(), '\n'));
    statements_.push_back({begin, end, first.bytes.begin - line_starts_[first.line], first.line, last_line + 1});
    begin = end;
  };
  for (const auto& token : all) {
    if (token.kind == TokenKind::comment) continue;
    if (token.kind == TokenKind::newline) {
      if (depth == 0) close_statement();
      continue;
    }
    const auto piece = text.substr(token.bytes.begin, token.bytes.size());
    if (token.kind == TokenKind::op && (piece == ")" || piece == "]" || piece == "}") && depth > 0) --depth;
    tokens_.push_back(token);
    depth_.push_back(depth);
    statement_of_.push_back(static_cast<std::uint32_t>(statements_.size()));
    if (token.kind == TokenKind::op && (piece == "(" || piece == "[" || piece == "{")) ++depth;
  }
  close_statement();
}

std::uint32_t FunctionView::closer(std::uint32_t i) const {
  for (std::uint32_t j = i + 1; j < size(); ++j)
    if (depth_[j] == depth_[i] && tokens_[j].kind == TokenKind::op) {
      const auto text = word(j);
      if (text == ")" || text == "]" || text == "}") return j;
    }
  return size();
}

bool FunctionView::ends_operand(std::uint32_t i) const {
  if (i >= size()) return false;
  switch (kind(i)) {
    case TokenKind::name:
    case TokenKind::number: return true;
    case TokenKind::keyword: return word(i) == "None" || word(i) == "True" || word(i) == "False";
    case TokenKind::op: return word(i) == ")" || word(i) == "]";
    default: return false;
  }
}

syntax::Range FunctionView::lines(const Statement& statement) const {
  const auto begin = line_starts_[statement.line_begin];
  const auto end = statement.line_end < line_starts_.size() ? line_starts_[statement.line_end] : static_cast<std::uint32_t>(text_.size());
  return {begin, end};
}

bool FunctionView::removable(std::uint32_t index) const {
  const auto& statement = statements_[index];
  for (std::uint32_t i = statement.begin; i < statement.end; ++i)
    if (depth_[i] == 0 && (is(i, ";") || (is(i, ":") && i + 1 < statement.end))) return false;
  if (index == 0 || opens_block(statement)) return false;
  const auto& before = statements_[index - 1];
  if (!opens_block(before)) return before.line_end <= statement.line_begin;
  // First of its block: another statement must follow at the same level.
  return index + 1 < statements_.size() && statements_[index + 1].indent_bytes == statement.indent_bytes;
}

}  // namespace mendel::mutator
