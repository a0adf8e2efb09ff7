// Mistakes in what happens when: conditions turned or left out, steps forgotten, the wrong way out of a loop.
#include <algorithm>
#include <array>

#include "actors/mutator/finders.hpp"

namespace mendel::mutator {

using syntax::TokenKind;

namespace {

// A statement longer than this is not forgotten as a whole.
constexpr std::uint32_t kForgottenTokensMax = 20;

constexpr std::array<std::string_view, 4> kConditional = {"if", "elif", "while", "assert"};

bool is_conditional(const FunctionView& view, const Statement& statement) { return view.is_any(statement.begin, kConditional); }

// A block of one short line that leaves: return, raise, continue or break.
bool leaves_at_once(const FunctionView& view, std::uint32_t s) {
  static constexpr std::array<std::string_view, 4> kWays = {"return", "raise", "continue", "break"};
  if (s + 1 >= view.statements().size() || view.block_end(s) != s + 2) return false;
  const auto& body = view.statements()[s + 1];
  return view.is_any(body.begin, kWays) && body.end - body.begin <= kForgottenTokensMax && body.line_end - body.line_begin <= 2;
}

bool followed_by_branch(const FunctionView& view, std::uint32_t s, std::uint32_t end) {
  if (end >= view.statements().size() || view.statements()[end].indent_bytes != view.statements()[s].indent_bytes) return false;
  static constexpr std::array<std::string_view, 4> kBranches = {"elif", "else", "except", "finally"};
  return view.is_any(view.statements()[end].begin, kBranches);
}

bool about_none(const FunctionView& view, const Statement& statement) {
  for (auto i = statement.begin; i + 1 < statement.end; ++i)
    if (view.is(i, "is") && (view.is(i + 1, "None") || view.is(i + 1, "not"))) return true;
  return false;
}

// Does the nearest statement around that indents less and loops hold statement `s`?
bool in_loop(const FunctionView& view, std::uint32_t s) {
  auto indent = view.statements()[s].indent_bytes;
  for (auto k = s; k-- > 0;) {
    const auto& around = view.statements()[k];
    if (around.indent_bytes >= indent) continue;
    indent = around.indent_bytes;
    if (view.is(around.begin, "for") || view.is(around.begin, "while") || (view.is(around.begin, "async") && view.is(around.begin + 1, "for"))) return true;
    if (view.is(around.begin, "def") || view.is(around.begin, "class")) return false;
  }
  return false;
}

bool mentions(const FunctionView& view, const Statement& statement, std::string_view name) {
  for (auto i = statement.begin; i < statement.end; ++i)
    if (view.is(i, name) && !view.is(i - 1, ".")) return true;
  return false;
}


}  // namespace

void find_wrong_negation(const FunctionView& view, Splices& out) {
  for (const auto& statement : view.statements()) {
    if (!is_conditional(view, statement)) continue;
    const auto first = statement.begin + 1, colon = view.colon(statement);
    if (view.is(first, "not") && first + 1 < colon) {
      drop_up_to(view, first, first + 1, out);
      continue;
    }
    // A condition of one term: elsewhere the comparison itself is turned round.
    const auto end = view.operand_end(first);
    if (end < view.size() && (end + 1 == colon || view.is(end + 1, "and") || view.is(end + 1, "or") || view.is(end + 1, ",")) && view.kind(first) == TokenKind::name)
      insert_before(view, first, "not ", out);
  }
  for (std::uint32_t i = 1; i + 1 < view.size(); ++i)
    if (view.is(i, "not") && !view.is(i + 1, "in") && (view.is(i - 1, "and") || view.is(i - 1, "or") || view.is(i - 1, "return")))
      drop_up_to(view, i, i + 1, out);
}

void find_missing_condition(const FunctionView& view, Splices& out) {
  for (const auto& statement : view.statements()) {
    if (!is_conditional(view, statement)) continue;
    const auto first = statement.begin + 1, colon = view.colon(statement);
    std::vector<std::uint32_t> words;
    bool mixed = false, test = true;
    for (auto i = first; i < colon; ++i) {
      if (view.depth(i) != 0) continue;
      if (view.is(i, "and") || view.is(i, "or")) words.push_back(i);
      mixed = mixed || view.is(i, "if") || view.is(i, "lambda");
      test = test && !view.is(i, ",");
    }
    if (words.empty() || mixed || !test) continue;
    for (std::size_t n = 0; n < words.size(); ++n)
      if (view.word(words[n]) != view.word(words[0])) mixed = true;
    if (mixed) continue;  // dropping a term of both kinds would bind the rest anew
    drop_up_to(view, first, words[0] + 1, out);
    for (std::size_t n = 0; n < words.size(); ++n) {
      const auto last = n + 1 < words.size() ? words[n + 1] - 1 : colon - 1;
      drop_with_space(view, words[n], last, out);
    }
  }
}

void find_truthy_alternative(const FunctionView& view, Splices& out) {
  for (std::uint32_t i = 3; i + 3 < view.size(); ++i) {
    if (!view.is(i, "or")) continue;
    const auto left_test = i - 2, end = view.operand_end(i + 1);
    if (!view.is(left_test, "==") || end >= view.size() || !view.is(end + 1, "==")) continue;
    const auto begin = view.operand_begin(left_test - 1);
    if (begin >= view.size() || view.words(begin, left_test - 1) != view.words(i + 1, end)) continue;
    drop_up_to(view, i + 1, end + 2, out);
  }
}

void find_missing_guard(const FunctionView& view, Splices& out) {
  for (std::uint32_t s = view.header() + 1; s + 1 < view.statements().size(); ++s) {
    const auto& statement = view.statements()[s];
    if (!view.is(statement.begin, "if") || statement.end - statement.begin > kForgottenTokensMax || about_none(view, statement)) continue;
    if (leaves_at_once(view, s) && !followed_by_branch(view, s, s + 2)) drop_statements(view, s, s + 2, out);
  }
}

void find_missing_branch(const FunctionView& view, Splices& out) {
  constexpr std::uint32_t kLinesMax = 4;
  for (std::uint32_t s = view.header() + 1; s < view.statements().size(); ++s) {
    const auto& statement = view.statements()[s];
    if (!view.is(statement.begin, "elif") && !view.is(statement.begin, "else")) continue;
    const auto end = view.block_end(s);
    if (end == s + 1 || view.statements()[end - 1].line_end - statement.line_begin > kLinesMax) continue;
    // The else of a loop or a try is no branch of an if.
    auto head = s;
    while (head > 0 && (view.statements()[head].indent_bytes != statement.indent_bytes || head == s || view.is(view.statements()[head].begin, "elif"))) --head;
    if (view.statements()[head].indent_bytes == statement.indent_bytes && view.is(view.statements()[head].begin, "if")) drop_statements(view, s, end, out);
  }
}

void find_missing_call(const FunctionView& view, Splices& out) {
  for (std::uint32_t s = view.header() + 1; s < view.statements().size(); ++s) {
    const auto& statement = view.statements()[s];
    const auto i = statement.begin;
    if (view.kind(i) != TokenKind::name || view.unnoticed(i) || view.is(i, "super") || statement.end - i > kForgottenTokensMax) continue;
    if (view.is(statement.end - 1, ")") && view.operand_end(i) + 1 == statement.end) drop_statements(view, s, s + 1, out);
  }
}

void find_missing_super_call(const FunctionView& view, Splices& out) {
  if (!view.may_have_any({"super", "__init__", "setUp"})) return;
  for (std::uint32_t s = view.header() + 1; s < view.statements().size(); ++s) {
    const auto& statement = view.statements()[s];
    const bool classic = view.is(statement.begin + 1, ".") && view.is(statement.begin + 2, "__init__");
    if ((view.is(statement.begin, "super") && view.is(statement.begin + 1, "(")) || classic) drop_statements(view, s, s + 1, out);
  }
}

void find_missing_assignment(const FunctionView& view, Splices& out) {
  for (std::uint32_t s = view.header() + 1; s < view.statements().size(); ++s) {
    const auto& statement = view.statements()[s];
    if (statement.end - statement.begin > kForgottenTokensMax || view.kind(statement.begin) != TokenKind::name) continue;
    const auto end = view.operand_end(statement.begin);
    if (end + 1 >= statement.end || end == statement.begin || !view.is(end + 1, "=")) continue;  // an attribute or an item
    drop_statements(view, s, s + 1, out);
  }
}

void find_missing_jump(const FunctionView& view, Splices& out) {
  for (std::uint32_t s = view.header() + 1; s < view.statements().size(); ++s) {
    const auto& statement = view.statements()[s];
    if (statement.end != statement.begin + 1 || (!view.is(statement.begin, "break") && !view.is(statement.begin, "continue"))) continue;
    // What ends a loop's body anyway changes nothing.
    const bool last = s + 1 == view.statements().size() || view.statements()[s + 1].indent_bytes < statement.indent_bytes;
    if (view.is(statement.begin, "continue") && last && !view.is(view.statements()[s - 1].begin, "if") && !view.is(view.statements()[s - 1].begin, "except") &&
        view.statements()[s - 1].indent_bytes <= statement.indent_bytes)
      continue;
    if (view.removal(s, s + 1)) drop_statements(view, s, s + 1, out);
    else if (view.is(statement.begin, "break")) replace(view, statement.begin, "pass", out);
  }
}

void find_break_continue(const FunctionView& view, Splices& out) {
  for (std::uint32_t s = 1; s < view.statements().size(); ++s) {
    const auto& statement = view.statements()[s];
    for (auto i = statement.begin; i < statement.end; ++i) {
      if (view.is(i, "break")) replace(view, i, "continue", out);
      if (view.is(i, "continue")) replace(view, i, "break", out);
    }
  }
}

void find_early_return(const FunctionView& view, Splices& out) {
  for (std::uint32_t s = view.header() + 2; s < view.statements().size(); ++s) {
    const auto& statement = view.statements()[s];
    const auto& before = view.statements()[s - 1];
    if (!view.is(statement.begin, "return") || !view.alone_on_line(s) || before.indent_bytes <= statement.indent_bytes) continue;
    // The block before must be a loop's, and its last line of the same block.
    auto head = s - 1;
    while (head > 0 && view.statements()[head].indent_bytes > statement.indent_bytes) --head;
    const auto& loop = view.statements()[head];
    if (loop.indent_bytes != statement.indent_bytes || (!view.is(loop.begin, "for") && !view.is(loop.begin, "while"))) continue;
    const auto body = view.statements()[head + 1].indent_bytes;
    const auto range = view.lines(statement);
    const auto white = view.text().substr(range.begin, statement.indent_bytes);
    if (white.find_first_not_of(' ') != std::string_view::npos || body <= statement.indent_bytes) continue;
    out.push_back({{range.begin, range.begin}, std::string(body - statement.indent_bytes, ' ')});
  }
}

void find_statement_order(const FunctionView& view, Splices& out) {
  for (std::uint32_t s = view.header() + 1; s + 1 < view.statements().size(); ++s) {
    const auto &first = view.statements()[s], &second = view.statements()[s + 1];
    if (first.indent_bytes != second.indent_bytes || second.line_begin != first.line_end || !view.alone_on_line(s) || !view.alone_on_line(s + 1)) continue;
    if (view.opens_block(first) || view.opens_block(second) || view.is(second.begin, "return") || view.is(second.begin, "raise")) continue;
    const bool assigns = view.kind(first.begin) == TokenKind::name && view.is(first.begin + 1, "=");
    if (!assigns || !mentions(view, second, view.word(first.begin))) continue;
    // A comment between them would move.
    const auto a = view.lines(first), b = view.lines(second);
    if (view.text().substr(a.begin, b.end - a.begin).find('#') != std::string_view::npos) continue;
    out.push_back({{view[first.begin].bytes.begin, view[second.end - 1].bytes.end},
                   std::string(view.words(second.begin, second.end - 1)) +
                       std::string(view.text().substr(view[first.end - 1].bytes.end, view[second.begin].bytes.begin - view[first.end - 1].bytes.end)) +
                       std::string(view.words(first.begin, first.end - 1))});
  }
}

void find_lost_accumulation(const FunctionView& view, Splices& out) {
  for (std::uint32_t s = view.header() + 1; s < view.statements().size(); ++s) {
    const auto& statement = view.statements()[s];
    const auto i = statement.begin + 1;
    if (view.kind(statement.begin) != TokenKind::name || i + 1 >= statement.end || !in_loop(view, s)) continue;
    if (view.is(i, "+=") && !view.is(i + 1, "1")) replace(view, i, "=", out);
    if (view.is(i, "|=")) replace(view, i, "=", out);
    if (view.is(i, "=") && view.is(i + 1, view.word(statement.begin)) && view.is(i + 2, "+") && i + 3 < statement.end) drop_up_to(view, i + 1, i + 3, out);
  }
}

void find_missing_raise(const FunctionView& view, Splices& out) {
  for (const auto& statement : view.statements())
    if (view.is(statement.begin, "raise") && view.kind(statement.begin + 1) == TokenKind::name && view.is(statement.end - 1, ")") &&
        view.operand_end(statement.begin + 1) + 1 == statement.end)
      drop_up_to(view, statement.begin, statement.begin + 1, out);
}

void find_return_none(const FunctionView& view, Splices& out) {
  for (const auto& statement : view.statements()) {
    const auto i = statement.begin;
    if (!view.is(i, "return") || statement.end < i + 2 || statement.line_end - statement.line_begin > 1) continue;
    if (statement.end == i + 2 && view.is(i + 1, "None")) continue;
    bool single = true;
    for (auto j = i; j < statement.end; ++j) single = single && !view.is(j, ";");
    if (single) drop_with_space(view, i + 1, statement.end - 1, out);
  }
}

void find_missing_global(const FunctionView& view, Splices& out) {
  for (std::uint32_t s = view.header() + 1; s < view.statements().size(); ++s)
    if (view.is(view.statements()[s].begin, "global") || view.is(view.statements()[s].begin, "nonlocal")) drop_statements(view, s, s + 1, out);
}

void find_swapped_ternary(const FunctionView& view, Splices& out) {
  for (std::uint32_t i = 2; i + 3 < view.size(); ++i) {
    if (!view.is(i, "if") || view.starts_statement(i)) continue;
    // value if condition else other, both plain operands and not in a comprehension
    const auto begin = view.is(i - 1, "None") || view.kind(i - 1) == TokenKind::number || view.kind(i - 1) == TokenKind::string ? i - 1 : view.operand_begin(i - 1);
    auto at = i + 1;
    while (at < view.size() && !(view.is(at, "else") && view.depth(at) == view.depth(i)) && view.depth(at) >= view.depth(i)) ++at;
    if (begin >= view.size() || begin == 0 || at + 1 >= view.size() || !view.is(at, "else")) continue;
    if (!view.is(begin - 1, "=") && !view.is(begin - 1, "return") && !view.is(begin - 1, "(") && !view.is(begin - 1, ",")) continue;
    const auto end = view.is(at + 1, "None") ? at + 1 : view.operand_end(at + 1);
    const auto& statement = view.statements()[view.statement_of(i)];
    if (end >= view.size() || !(end + 1 == statement.end || view.is(end + 1, ")") || view.is(end + 1, ","))) continue;
    if (view.words(begin, i - 1) == view.words(at + 1, end)) continue;
    replace(view, begin, end, std::string(view.words(at + 1, end)) + " " + std::string(view.words(i, at)) + " " + std::string(view.words(begin, i - 1)), out);
  }
}

}  // namespace mendel::mutator
