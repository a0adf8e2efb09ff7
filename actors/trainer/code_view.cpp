// Tokens of the text say which bytes are documentation; cells that hold only such bytes are left out.
#include "actors/trainer/code_view.hpp"

#include <algorithm>
#include <cassert>
#include <string>

#include "actors/syntax/tokens.hpp"

namespace mendel::trainer {
namespace {

using encoder::TokenId;
using syntax::Token;
using syntax::TokenKind;

// Bytes of a line [begin, end), end at its line feed or the end of the text; what stays of it, if it
// holds code, is [begin, code_end).
struct Line {
  std::uint32_t begin, end, code_end;
  bool code = false;
};

std::vector<Line> lines_of(const std::string& text) {
  std::vector<Line> out;
  std::uint32_t begin = 0;
  for (std::uint32_t i = 0; i <= text.size(); ++i)
    if (i == text.size() || text[i] == '\n') {
      out.push_back({begin, i, begin});
      begin = i + 1;
    }
  return out;
}

std::uint32_t last_line(const std::string& text, const Token& token) {
  const auto first = text.begin() + token.bytes.begin;
  return token.line + static_cast<std::uint32_t>(std::count(first, text.begin() + token.bytes.end, '\n'));
}

// A string that is a whole statement: nothing before it on its line, nothing behind it on its last.
bool is_documentation(const std::vector<Token>& tokens, std::size_t i) {
  if (tokens[i].kind != TokenKind::string) return false;
  const bool starts = i == 0 || tokens[i - 1].kind == TokenKind::newline;
  const bool ends = i + 1 == tokens.size() || tokens[i + 1].kind == TokenKind::newline;
  return starts && ends;
}

// Where the code of each line ends. Inside brackets a string alone on its line is an argument.
void mark_code(const std::string& text, std::vector<Line>& lines) {
  const auto tokens = syntax::tokens(text);
  int depth = 0;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const auto& token = tokens[i];
    if (token.kind == TokenKind::newline || token.kind == TokenKind::comment) continue;
    if (token.kind == TokenKind::op) {
      const char c = text[token.bytes.begin];
      if (c == '(' || c == '[' || c == '{') ++depth;
      if ((c == ')' || c == ']' || c == '}') && depth > 0) --depth;
    }
    if (depth == 0 && is_documentation(tokens, i)) continue;
    const auto last = std::min<std::size_t>(last_line(text, token), lines.size() - 1);
    for (auto line = token.line; line < last; ++line) lines[line].code_end = lines[line].end, lines[line].code = true;
    lines[last].code = true;
    lines[last].code_end = std::max(lines[last].code_end, std::min(token.bytes.end, lines[last].end));
  }
}

// Code ends at the end of its line unless a comment follows: trailing white space is part of the code.
void keep_plain_ends(const std::string& text, std::vector<Line>& lines) {
  for (auto& line : lines)
    if (line.code && text.find_first_not_of(" \t\r\f", line.code_end) >= line.end) line.code_end = line.end;
}

}  // namespace

Result<CodeView> CodeView::of(const encoder::Tokenizer& tokenizer, std::span<const TokenId> cells) {
  auto text = encoder::cells_to_text(tokenizer, cells, encoder::Spelling::any);
  if (!text) return text.error();
  auto lines = lines_of(*text);
  mark_code(*text, lines);
  keep_plain_ends(*text, lines);
  lines[0].code = true;
  lines[0].code_end = lines[0].end;

  CodeView view;
  view.whole_ = static_cast<std::uint32_t>(cells.size());
  std::size_t line = 0;
  std::uint32_t byte = 0;  // of the text, at the start of the cell
  for (std::uint32_t i = 0; i < cells.size(); ++i) {
    const auto id = cells[i];
    bool keep = id == encoder::kEof;
    if (!keep) {
      const auto& at = lines[line];
      const bool indent = id >= encoder::kIndentFirst && id < encoder::kIndentFirst + encoder::kIndentCount;
      keep = at.code && (indent || id == encoder::kEol || byte < at.code_end);
      if (id == encoder::kEol) byte = at.end + 1, ++line;
      else byte += indent ? static_cast<std::uint32_t>(id - encoder::kIndentFirst) : static_cast<std::uint32_t>(tokenizer.bytes_of(id).size());
    }
    if (!keep) continue;
    view.kept_.push_back(i);
    view.cells_.push_back(id);
  }
  return view;
}

encoder::SpanEdit CodeView::to_whole(const encoder::SpanEdit& edit) const {
  assert(edit.first <= edit.end && edit.end <= kept_.size());
  encoder::SpanEdit out = edit;
  out.first = edit.first < kept_.size() ? kept_[edit.first] : whole_;
  const bool inside_line = edit.first > 0 && cells_[edit.first - 1] != encoder::kEol;
  if (edit.first == edit.end && inside_line) out.first = kept_[edit.first - 1] + 1;
  out.end = edit.end > edit.first ? kept_[edit.end - 1] + 1 : out.first;
  return out;
}

std::optional<encoder::SpanEdit> view_edit(const CodeView& buggy, const CodeView& fixed) {
  return encoder::span_edit(buggy.cells(), fixed.cells());
}

}  // namespace mendel::trainer
