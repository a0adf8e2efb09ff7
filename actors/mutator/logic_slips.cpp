// Mistakes that parse and do something else.
#include <algorithm>
#include <array>
#include <charconv>
#include <set>

#include "actors/mutator/operators.hpp"

namespace mendel::mutator {
namespace {

using syntax::TokenKind;

void replace(const FunctionView& view, std::uint32_t i, std::string text, std::vector<Splice>& out) {
  out.push_back({view[i].bytes, std::move(text)});
}

// Statements whose change nobody would notice: logging and what only shows an object.
bool unnoticed(const FunctionView& view, std::uint32_t i) {
  const auto& statement = view.statements()[view.statement_of(i)];
  static constexpr std::array<std::string_view, 6> kLoggers = {"logging", "logger", "log", "LOG", "print", "warnings"};
  return std::find(kLoggers.begin(), kLoggers.end(), view.word(statement.begin)) != kLoggers.end();
}

bool is_display_method(const FunctionView& view) {
  for (std::uint32_t i = 0; i + 1 < view.size(); ++i)
    if (view.is(i, "def")) return view.is(i + 1, "__repr__") || view.is(i + 1, "__str__");
  return false;
}

bool starts_statement(const FunctionView& view, std::uint32_t i) { return view.statements()[view.statement_of(i)].begin == i; }

// Names bound in the function: parameters and what is assigned to, in order of their first place.
std::vector<std::string_view> local_names(const FunctionView& view) {
  std::vector<std::string_view> out;
  const auto add = [&](std::uint32_t i) {
    const auto name = view.word(i);
    if (name != "self" && name != "cls" && name != "_" && std::find(out.begin(), out.end(), name) == out.end()) out.push_back(name);
  };
  const auto& header = view.statements().front();
  for (std::uint32_t i = header.begin; i < header.end; ++i)
    if (view.kind(i) == TokenKind::name && view.depth(i) == 1 && (view.is(i - 1, "(") || view.is(i - 1, ",") || view.is(i - 1, "*") || view.is(i - 1, "**")))
      add(i);
  for (const auto& statement : view.statements()) {
    std::uint32_t i = statement.begin;
    if (view.is(i, "for")) {
      for (++i; i < statement.end && !view.is(i, "in"); ++i)
        if (view.kind(i) == TokenKind::name && !view.is(i + 1, ".") && !view.is(i + 1, "[") && !view.is(i - 1, ".")) add(i);
      continue;
    }
    if (view.kind(i) == TokenKind::name && view.is(i + 1, "=")) add(i);
  }
  return out;
}

}  // namespace

void find_off_by_one(const FunctionView& view, std::vector<Splice>& out) {
  for (std::uint32_t i = 0; i < view.size(); ++i) {
    if (view.kind(i) != TokenKind::number || unnoticed(view, i)) continue;
    const auto digits = view.word(i);
    int value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc() || end != digits.data() + digits.size() || digits.size() > 3) continue;
    replace(view, i, std::to_string(value + 1), out);
    if (value > 0) replace(view, i, std::to_string(value - 1), out);
  }
}

void find_wrong_operator(const FunctionView& view, std::vector<Splice>& out) {
  static constexpr std::array<std::string_view, 5> kBinary = {"+", "-", "*", "/", "//"};
  for (std::uint32_t i = 1; i + 1 < view.size(); ++i) {
    if (view.kind(i) != TokenKind::op || !view.ends_operand(i - 1) || unnoticed(view, i)) continue;
    if (view.kind(i + 1) == TokenKind::string || view.kind(i - 1) == TokenKind::string) continue;
    if (view.is(i, "+=")) replace(view, i, "-=", out);
    if (view.is(i, "-=")) replace(view, i, "+=", out);
    if (std::find(kBinary.begin(), kBinary.end(), view.word(i)) == kBinary.end()) continue;
    for (const auto other : kBinary)
      if (!view.is(i, other)) replace(view, i, std::string(other), out);
  }
}

void find_wrong_comparison(const FunctionView& view, std::vector<Splice>& out) {
  struct Swap {
    std::string_view from;
    std::array<std::string_view, 2> to;
  };
  static constexpr Swap kSwaps[] = {{"<", {"<=", ">"}}, {"<=", {"<", ">="}}, {">", {">=", "<"}}, {">=", {">", "<="}}, {"==", {"!=", ""}}, {"!=", {"==", ""}}};
  for (std::uint32_t i = 1; i + 1 < view.size(); ++i) {
    if (view.kind(i) != TokenKind::op || unnoticed(view, i)) continue;
    // len(x) > 0 and len(x) >= 1 mean the same for what len can answer.
    const bool never_negative = view.is(i - 1, ")") && view.is(i + 1, "0");
    for (const auto& swap : kSwaps)
      if (view.is(i, swap.from))
        for (const auto to : swap.to)
          if (!to.empty() && !(never_negative && swap.from == "==" && to == "<=")) replace(view, i, std::string(to), out);
  }
}

void find_and_or_swap(const FunctionView& view, std::vector<Splice>& out) {
  for (std::uint32_t i = 1; i + 1 < view.size(); ++i) {
    if (view.kind(i) != TokenKind::keyword) continue;
    if (view.is(i, "and")) replace(view, i, "or", out);
    if (view.is(i, "or")) replace(view, i, "and", out);
  }
}

void find_missing_return(const FunctionView& view, std::vector<Splice>& out) {
  for (std::uint32_t s = 1; s < view.statements().size(); ++s) {
    const auto& statement = view.statements()[s];
    const auto i = statement.begin;
    if (!view.is(i, "return") || statement.end - i < 2) continue;
    if (statement.end - i == 2 && view.is(i + 1, "None")) continue;  // what falls off the end answers None too
    if (!view.is(i + 1, "*")) out.push_back({{view[i].bytes.begin, view[i + 1].bytes.begin}, ""});
    if (!view.removable(s)) continue;
    auto lines = view.lines(statement);
    // The last line has no line feed of its own: take the one before it.
    if (lines.end == view.text().size() && lines.begin > 0 && view.text().back() != '\n') --lines.begin;
    out.push_back({lines, ""});
  }
}

void find_mutable_default(const FunctionView& view, std::vector<Splice>& out) {
  for (const auto& statement : view.statements()) {
    if (!view.is(statement.begin, "def") && !view.is(statement.begin + 1, "def")) continue;
    for (std::uint32_t i = statement.begin + 2; i + 1 < statement.end; ++i)
      if (view.is(i, "None") && view.depth(i) == 1 && view.is(i - 1, "=") && (view.is(i + 1, ",") || view.is(i + 1, ")"))) {
        replace(view, i, "[]", out);
        replace(view, i, "{}", out);
      }
  }
}

void find_none_check_missing(const FunctionView& view, std::vector<Splice>& out) {
  for (std::uint32_t i = 1; i + 1 < view.size(); ++i) {
    if (!view.is(i, "is")) continue;
    if (view.is(i + 1, "None")) out.push_back({view[i].bytes, "is not"});
    if (view.is(i + 1, "not") && view.is(i + 2, "None")) out.push_back({{view[i].bytes.begin, view[i + 1].bytes.end}, "is"});
  }
  // The guard and the one statement under it are left out.
  for (std::uint32_t s = 1; s + 1 < view.statements().size(); ++s) {
    const auto& guard = view.statements()[s];
    const auto& body = view.statements()[s + 1];
    if (!view.is(guard.begin, "if") || !view.opens_block(guard) || guard.end - guard.begin > 6) continue;
    const bool about_none = view.is(guard.end - 2, "None") && (view.is(guard.end - 3, "is") || view.is(guard.end - 3, "not"));
    if (!about_none || body.indent_bytes <= guard.indent_bytes || view.opens_block(view.statements()[s - 1])) continue;
    const bool last = s + 2 == view.statements().size();
    if (!last) {
      const auto& next = view.statements()[s + 2];
      if (next.indent_bytes > guard.indent_bytes || view.is(next.begin, "else") || view.is(next.begin, "elif")) continue;
    }
    auto range = view.lines(guard);
    range.end = view.lines(body).end;
    if (last && range.begin > 0 && view.text().back() != '\n') --range.begin;
    out.push_back({range, ""});
  }
}

void find_variable_misuse(const FunctionView& view, std::vector<Splice>& out) {
  if (view.statements().empty() || is_display_method(view)) return;
  const auto names = local_names(view);
  if (names.size() < 2) return;
  std::set<std::string_view> known(names.begin(), names.end());
  for (std::uint32_t i = view.statements().front().end; i < view.size(); ++i) {
    if (view.kind(i) != TokenKind::name || !known.contains(view.word(i)) || unnoticed(view, i)) continue;
    if (view.is(i - 1, ".") || view.is(i + 1, "=") || view.is(i - 1, "as") || view.is(i - 1, "global") || view.is(i - 1, "nonlocal") ||
        view.is(i - 1, "def") || view.is(i - 1, "class") || view.is(i - 1, "del") || view.is(i - 1, "import") || starts_statement(view, i))
      continue;
    const auto& statement = view.statements()[view.statement_of(i)];
    const bool for_target = view.is(statement.begin, "for") && [&] {
      for (auto j = statement.begin; j < i; ++j)
        if (view.is(j, "in")) return false;
      return true;
    }();
    const bool comprehension_target = view.is(i - 1, "for") || view.is(i + 1, "in");
    if (for_target || comprehension_target) continue;
    for (const auto other : names)
      if (other != view.word(i)) replace(view, i, std::string(other), out);
  }
}

}  // namespace mendel::mutator
