// Counting, calculating and comparing: one too far, the other operator, the wrong way round.
#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "actors/mutator/finders.hpp"

namespace mendel::mutator {
namespace {

using syntax::TokenKind;

constexpr std::array<std::string_view, 6> kComparisons = {"<", "<=", ">", ">=", "==", "!="};

bool compares(const FunctionView& view, std::uint32_t i) {
  return std::find(kComparisons.begin(), kComparisons.end(), view.word(i)) != kComparisons.end();
}

// Small whole numbers without leading zeros.
std::optional<int> whole_number(const FunctionView& view, std::uint32_t i) {
  const auto digits = view.word(i);
  if (view.kind(i) != TokenKind::number || digits.size() > 3 || (digits.size() > 1 && digits[0] == '0')) return std::nullopt;
  int value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

bool in_subscript(const FunctionView& view, std::uint32_t i) {
  const auto open = view.opener(i);
  return view.is(open, "[") && view.follows_operand(open);
}

bool in_range_call(const FunctionView& view, std::uint32_t i) {
  const auto open = view.opener(i);
  return open > 0 && open < view.size() && (view.is(open - 1, "range") || view.is(open - 1, "xrange"));
}

// Is the number at i all that a variable is set to which is counted with afterwards?
bool starts_a_count(const FunctionView& view, std::uint32_t i) {
  const auto& statement = view.statements()[view.statement_of(i)];
  if (statement.end != i + 1 || statement.begin + 2 != i) return false;
  for (auto j = i + 1; j < view.size(); ++j)
    if (view.is(j, view.word(statement.begin)) && !view.is(j - 1, ".") &&
        (view.is(j + 1, "+=") || view.is(j + 1, "-=") || (in_subscript(view, j) && !view.is(j + 1, "."))))
      return true;
  return false;
}

// Is the number at i one by which a person counts: an index or bound, a step, a limit, a start?
bool counts(const FunctionView& view, std::uint32_t i) {
  const bool negative = view.is(i - 1, "-") && !view.is_binary(i - 1);
  const auto before = negative ? i - 2 : i - 1;
  if (in_range_call(view, i)) return true;
  if (in_subscript(view, i)) return (view.is(before, "[") || view.is(before, ":") || view.is_binary(before)) && !view.is(i + 1, ",");
  if (view.is(before, "+=") || view.is(before, "-=")) return true;
  if (view.is(before, "=") && view.depth(i) == 0 && !negative) return starts_a_count(view, i);
  const bool added = view.is_binary(before) && (view.is(before, "+") || view.is(before, "-"));
  return added || compares(view, before) || compares(view, i + 1);
}

void shift_number(const FunctionView& view, std::uint32_t i, int value, Splices& out) {
  replace(view, i, std::to_string(value + 1), out);
  // Nobody writes x + 0, i += 0 or x[-0].
  const bool signed_zero = value == 1 && (view.is(i - 1, "+") || view.is(i - 1, "-") || view.is(i - 1, "+=") || view.is(i - 1, "-="));
  if (value > 0 && !signed_zero) replace(view, i, std::to_string(value - 1), out);
}

// "+ 1" or "- 1" at the end of an index, of an argument of range, or after len(…) is left out.
void forget_step(const FunctionView& view, std::uint32_t i, Splices& out) {
  const bool step = (view.is(i, "+") || view.is(i, "-")) && view.is_binary(i) && view.is(i + 1, "1");
  if (!step || !(view.is(i + 2, "]") || view.is(i + 2, ")") || view.is(i + 2, ":") || view.is(i + 2, ","))) return;
  if (in_subscript(view, i) || in_range_call(view, i)) out.push_back({{view[i - 1].bytes.end, view[i + 1].bytes.end}, ""});
}

// range(n) → range(n - 1) or range(n + 1), if the last argument is a plain operand.
void shift_range_end(const FunctionView& view, std::uint32_t i, Splices& out) {
  if (!view.is(i, "range") || !view.is(i + 1, "(")) return;
  const auto close = view.closer(i + 1);
  if (close >= view.size() || close < i + 3 || view.kind(close - 1) == TokenKind::number || !view.ends_operand(close - 1)) return;
  for (auto j = i + 2; j < close; ++j)
    if (view.depth(j) == view.depth(i + 2) && (view.kind(j) == TokenKind::keyword || view.is(j, ",") || view.is(j, "=") || view.is(j, "*"))) return;
  const syntax::Range end{view[close - 1].bytes.end, view[close - 1].bytes.end};
  out.push_back({end, " - 1"});
  out.push_back({end, " + 1"});
}

}  // namespace

void find_off_by_one(const FunctionView& view, Splices& out) {
  for (std::uint32_t i = 1; i < view.size(); ++i) {
    forget_step(view, i, out);
    shift_range_end(view, i, out);
    const auto value = whole_number(view, i);
    if (value && counts(view, i)) shift_number(view, i, *value, out);
  }
}

void find_wrong_operator(const FunctionView& view, Splices& out) {
  struct Swap {
    std::string_view from;
    std::array<std::string_view, 2> to;
  };
  static constexpr Swap kSwaps[] = {{"+", {"-", ""}},  {"-", {"+", ""}},   {"*", {"/", "+"}},  {"/", {"*", "//"}}, {"//", {"/", "*"}},
                                    {"%", {"//", "/"}}, {"+=", {"-=", "="}}, {"-=", {"+=", "="}}, {"*=", {"/=", ""}}, {"/=", {"*=", ""}},
                                    {"<<", {">>", ""}}, {">>", {"<<", ""}}, {"&", {"|", ""}},  {"|", {"&", ""}}, {"|=", {"&=", "="}}, {"&=", {"|=", ""}}};
  for (std::uint32_t i = 1; i + 1 < view.size(); ++i) {
    if (!view.is_binary(i) || view.unnoticed(i)) continue;
    // Text and lists are joined by + alone.
    if (view.kind(i + 1) == TokenKind::string || view.kind(i - 1) == TokenKind::string || view.is(i + 1, "[")) continue;
    // x + 0 and x * 1 are the same as x - 0 and x / 1.
    if (view.is(i + 1, "0") || (view.is(i + 1, "1") && view.word(i) != "+" && view.word(i) != "-" && view.word(i) != "+=" && view.word(i) != "-=")) continue;
    // A template on the left is formatted, not divided; a number on the right tells.
    if (view.is(i, "%") && view.kind(i + 1) != TokenKind::number) continue;
    // In annotations | joins types.
    if (view.is(i, "|") && (view.is(i + 1, "None") || view.is(i - 1, "None") || view.in_annotation(i))) continue;
    for (const auto& swap : kSwaps)
      if (view.is(i, swap.from))
        for (const auto to : swap.to)
          if (!to.empty()) replace(view, i, std::string(to), out);
  }
}

void find_wrong_comparison(const FunctionView& view, Splices& out) {
  struct Swap {
    std::string_view from;
    std::array<std::string_view, 2> to;
  };
  static constexpr Swap kSwaps[] = {{"<", {"<=", ">"}}, {"<=", {"<", ">="}}, {">", {">=", "<"}}, {">=", {">", "<="}}, {"==", {"!=", ""}}, {"!=", {"==", ""}}};
  for (std::uint32_t i = 1; i + 1 < view.size(); ++i) {
    if (view.unnoticed(i)) continue;
    if (view.is(i, "not") && view.is(i + 1, "in") && view.ends_operand(i - 1)) {
      out.push_back({{view[i].bytes.begin, view[i + 1].bytes.begin}, ""});
      continue;
    }
    if (view.kind(i) != TokenKind::op) continue;
    // A length is never below 0.
    const bool of_length = view.is(i - 1, ")") && view.is(i + 1, "0");
    for (const auto& swap : kSwaps)
      if (view.is(i, swap.from))
        for (const auto to : swap.to)
          if (!to.empty() && !(of_length && to == "<")) replace(view, i, std::string(to), out);
  }
}

}  // namespace mendel::mutator
