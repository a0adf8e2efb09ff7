// One pass over the tokens: brackets, statements, physical lines.
#include "actors/mutator/function_view.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace mendel::mutator {

using syntax::TokenKind;

FunctionView::FunctionView(std::string_view text) : text_(text) {
  line_starts_.push_back(0);
  for (std::uint32_t i = 0; i < text.size(); ++i)
    if (text[i] == '\n') line_starts_.push_back(i + 1);
  const auto all = syntax::tokens(text);
  const auto none = static_cast<std::uint32_t>(all.size());  // replaced by size() at the end
  for (auto* list : {&depth_, &opener_, &partner_, &statement_of_}) list->reserve(all.size());
  tokens_.reserve(all.size());
  std::vector<std::uint32_t> open;
  std::uint32_t begin = 0;
  const auto close_statement = [&] {
    const auto end = size();
    if (end == begin) return;
    const auto& first = tokens_[begin];
    const auto& last = tokens_[end - 1];
    const auto piece = word(end - 1);
    const auto last_line = last.line + static_cast<std::uint32_t>(std::count(piece.begin(), piece.end(), '\n'));
    statements_.push_back({begin, end, first.bytes.begin - line_starts_[first.line], first.line, last_line + 1});
    begin = end;
  };
  for (const auto& token : all) {
    if (token.kind == TokenKind::comment) continue;
    if (token.kind == TokenKind::newline) {
      if (open.empty()) close_statement();
      continue;
    }
    const char c = token.kind == TokenKind::op && token.bytes.size() == 1 ? text[token.bytes.begin] : '\0';
    const auto index = size();
    auto partner = none;
    if ((c == ')' || c == ']' || c == '}') && !open.empty()) {
      partner_[open.back()] = index;
      partner = open.back();
      open.pop_back();
    }
    tokens_.push_back(token);
    depth_.push_back(static_cast<std::uint32_t>(open.size()));
    opener_.push_back(open.empty() ? none : open.back());
    partner_.push_back(partner);
    words_.set(slot_of(text.substr(token.bytes.begin, token.bytes.size())));
    statement_of_.push_back(static_cast<std::uint32_t>(statements_.size()));
    if (c == '(' || c == '[' || c == '{') open.push_back(index);
  }
  close_statement();
  for (auto* list : {&opener_, &partner_})
    for (auto& i : *list) i = std::min(i, size());
}

bool FunctionView::ends_operand(std::uint32_t i) const {
  switch (kind(i)) {
    case TokenKind::name:
    case TokenKind::number: return true;
    case TokenKind::keyword: return is(i, "None") || is(i, "True") || is(i, "False");
    case TokenKind::op: return is(i, ")") || is(i, "]");
    default: return false;
  }
}

bool FunctionView::follows_operand(std::uint32_t i) const {
  return i > 0 && i < size() && !starts_statement(i) && (kind(i - 1) == TokenKind::name || is(i - 1, ")") || is(i - 1, "]"));
}

std::size_t FunctionView::slot_of(std::string_view word) {
  std::uint32_t hash = 2166136261u;
  for (const char c : word.substr(0, 24)) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619u;
  return (hash ^ (hash >> 15)) % kWordSlots;
}

bool FunctionView::is_any(std::uint32_t i, std::span<const std::string_view> texts) const {
  return i < size() && std::find(texts.begin(), texts.end(), word(i)) != texts.end();
}

bool FunctionView::may_have_any(std::initializer_list<std::string_view> words) const {
  return std::any_of(words.begin(), words.end(), [&](auto w) { return may_have(w); });
}

std::uint32_t FunctionView::operand_begin(std::uint32_t i) const {
  while (i < size()) {
    if (is(i, ")") || is(i, "]")) {
      const auto open = closed_by(i);
      if (open == size()) return size();
      if (!follows_operand(open)) return open;
      i = open - 1;
    } else if (kind(i) == TokenKind::name) {
      if (i == 0 || !is(i - 1, ".") || starts_statement(i)) return i;
      i -= 2;
    } else {
      return size();
    }
  }
  return size();
}

std::uint32_t FunctionView::operand_end(std::uint32_t i) const {
  if (kind(i) != TokenKind::name && kind(i) != TokenKind::number && kind(i) != TokenKind::string) return size();
  for (;;) {
    if (is(i + 1, ".") && kind(i + 2) == TokenKind::name) {
      i += 2;
    } else if ((is(i + 1, "(") || is(i + 1, "[")) && follows_operand(i + 1)) {
      i = closer(i + 1);
      if (i == size()) return i;
    } else {
      return i;
    }
  }
}

std::vector<Argument> FunctionView::arguments(std::uint32_t open) const {
  std::vector<Argument> out;
  const auto close = closer(open);
  if (close == size() || close == open + 1) return out;
  const auto level = depth(open + 1);
  auto first = open + 1;
  for (auto i = first; i <= close; ++i) {
    if (i < close && depth(i) == level && (is(i, "for") || is(i, "lambda"))) return {};
    if (i < close && !(is(i, ",") && depth(i) == level)) continue;
    if (i > first)
      out.push_back({first, i - 1, kind(first) == TokenKind::name && is(first + 1, "=") && first + 1 < i, is(first, "*") || is(first, "**")});
    first = i + 1;
  }
  return out;
}

std::uint32_t FunctionView::colon(const Statement& statement) const {
  bool in_lambda = false;
  for (auto i = statement.begin; i < statement.end; ++i) {
    if (depth(i) != 0) continue;
    if (is(i, "lambda")) in_lambda = true;
    if (is(i, ":") && !std::exchange(in_lambda, false)) return i;
  }
  return statement.end;
}

bool FunctionView::alone_on_line(std::uint32_t s) const {
  const auto& statement = statements_[s];
  if (statement.line_end != statement.line_begin + 1) return false;
  if (s > 0 && statements_[s - 1].line_end > statement.line_begin) return false;
  for (auto i = statement.begin; i < statement.end; ++i)
    if (is(i, ";")) return false;
  return s + 1 == statements_.size() || statements_[s + 1].line_begin >= statement.line_end;
}

std::uint32_t FunctionView::block_end(std::uint32_t s) const {
  const auto indent = statements_[s].indent_bytes;
  auto end = s + 1;
  if (!opens_block(statements_[s])) return end;
  while (end < statements_.size() && statements_[end].indent_bytes > indent) ++end;
  return end;
}

bool FunctionView::unnoticed(std::uint32_t i) const {
  static constexpr std::array<std::string_view, 9> kVoices = {"logging", "logger", "log", "LOG", "LOGGER", "_logger", "_LOGGER", "print", "warnings"};
  const auto& statement = statements_[statement_of(i)];
  const bool called = is(statement.begin + 1, ".") || is(statement.begin + 1, "(");
  return called && std::find(kVoices.begin(), kVoices.end(), word(statement.begin)) != kVoices.end();
}

bool FunctionView::in_annotation(std::uint32_t i) const {
  const auto& statement = statements_[statement_of(i)];
  const bool in_header = is(statement.begin, "def") || is(statement.begin + 1, "def");
  const bool in_variable = kind(statement.begin) == TokenKind::name && is(statement.begin + 1, ":");
  if (!in_header && !in_variable) return false;
  const auto level = in_header ? 1u : 0u;
  for (auto j = i; j-- > statement.begin;) {
    if (is(j, "->")) return true;
    if (depth(j) > level) continue;
    if (is(j, "=") || is(j, ",")) return false;
    if (is(j, ":")) return true;
  }
  return false;
}

std::uint32_t FunctionView::header() const {
  const auto at = std::find_if(statements_.begin(), statements_.end(), [&](const Statement& statement) {
    return is(statement.begin, "def") || (is(statement.begin, "async") && is(statement.begin + 1, "def"));
  });
  return static_cast<std::uint32_t>(at - statements_.begin());
}

syntax::Range FunctionView::lines(const Statement& statement) const {
  const auto begin = line_starts_[statement.line_begin];
  const auto end = statement.line_end < line_starts_.size() ? line_starts_[statement.line_end] : static_cast<std::uint32_t>(text_.size());
  return {begin, end};
}

std::optional<syntax::Range> FunctionView::removal(std::uint32_t first, std::uint32_t end) const {
  if (first == 0 || end > statements_.size() || first >= end) return std::nullopt;
  const auto& statement = statements_[first];
  const auto& before = statements_[first - 1];
  if (before.line_end > statement.line_begin) return std::nullopt;
  if (end < statements_.size() && statements_[end - 1].line_end > statements_[end].line_begin) return std::nullopt;
  const auto next_indent = end < statements_.size() ? statements_[end].indent_bytes : 0;
  // First of its block: another statement must follow at the same level.
  if (opens_block(before) && (end == statements_.size() || next_indent != statement.indent_bytes)) return std::nullopt;
  if (end < statements_.size() && next_indent > statement.indent_bytes) return std::nullopt;
  syntax::Range out{lines(statement).begin, lines(statements_[end - 1]).end};
  // The last line of a function has no line feed of its own: take the one before it.
  if (out.end == text_.size() && !text_.ends_with('\n')) {
    --out.begin;
    if (out.begin > 0 && text_[out.begin - 1] == '\r') --out.begin;
  }
  return out;
}

bool indentation_holds(const FunctionView& view, std::uint32_t changed, std::uint32_t indent) {
  if (view.statements().empty()) return true;
  std::vector<std::uint32_t> levels{view.statements().front().indent_bytes};
  bool block_expected = false;
  for (std::uint32_t s = 0; s < view.statements().size(); ++s) {
    const auto& statement = view.statements()[s];
    const auto width = s == changed ? indent : statement.indent_bytes;
    if (block_expected != (width > levels.back())) return false;
    if (block_expected) levels.push_back(width);
    while (levels.back() > width && levels.size() > 1) levels.pop_back();
    if (levels.back() != width) return false;
    block_expected = view.opens_block(statement);
  }
  return !block_expected;
}

bool indentation_holds(const FunctionView& view) {
  return indentation_holds(view, static_cast<std::uint32_t>(view.statements().size()), 0);
}

}  // namespace mendel::mutator
