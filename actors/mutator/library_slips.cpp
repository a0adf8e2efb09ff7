// Mistakes in the use of the standard library, databases, coroutines and frameworks.
#include <algorithm>
#include <array>

#include "actors/mutator/operators.hpp"

namespace mendel::mutator {
namespace {

using syntax::TokenKind;

void replace(const FunctionView& view, std::uint32_t first, std::uint32_t last, std::string text, std::vector<Splice>& out) {
  out.push_back({{view[first].bytes.begin, view[last].bytes.end}, std::move(text)});
}

void remove_statement(const FunctionView& view, std::uint32_t s, std::vector<Splice>& out) {
  if (!view.removable(s)) return;
  auto lines = view.lines(view.statements()[s]);
  if (lines.end == view.text().size() && lines.begin > 0 && view.text().back() != '\n') --lines.begin;
  out.push_back({lines, ""});
}

std::string_view piece(const FunctionView& view, std::uint32_t begin, std::uint32_t end) {
  return view.text().substr(view[begin].bytes.begin, view[end - 1].bytes.end - view[begin].bytes.begin);
}

// The comma at depth `depth` in tokens (begin, end), or end if there is none or more than one.
std::uint32_t only_comma(const FunctionView& view, std::uint32_t begin, std::uint32_t end, std::uint32_t depth) {
  std::uint32_t found = end;
  for (auto i = begin; i < end; ++i)
    if (view.is(i, ",") && view.depth(i) == depth) {
      if (found != end) return end;
      found = i;
    }
  return found;
}

}  // namespace

void find_shallow_copy(const FunctionView& view, std::vector<Splice>& out) {
  for (std::uint32_t i = 0; i + 2 < view.size(); ++i) {
    if (view.is(i, "deepcopy") && view.is(i + 1, "(") && !view.is(i - 1, "def")) replace(view, i, i, "copy", out);
    if (view.is(i, ".") && view.is(i + 1, "copy") && view.is(i + 2, "(") && view.is(i + 3, ")") && i > 0 && view.ends_operand(i - 1))
      replace(view, i, i + 3, "", out);
    const bool builds = view.is(i, "list") || view.is(i, "dict") || view.is(i, "set");
    if (builds && i > 0 && view.is(i - 1, "=") && view.is(i + 1, "(") && view.kind(i + 2) == TokenKind::name && view.is(i + 3, ")") &&
        view.depth(i) == 0)
      replace(view, i, i + 3, std::string(view.word(i + 2)), out);
  }
}

void find_wrong_exception(const FunctionView& view, std::vector<Splice>& out) {
  struct Swap {
    std::string_view from, to;
  };
  static constexpr Swap kSwaps[] = {{"KeyError", "IndexError"},       {"IndexError", "KeyError"},          {"ValueError", "TypeError"},
                                    {"TypeError", "ValueError"},      {"AttributeError", "KeyError"},      {"ImportError", "AttributeError"},
                                    {"OSError", "ValueError"},        {"IOError", "ValueError"},           {"FileNotFoundError", "PermissionError"},
                                    {"RuntimeError", "ValueError"},   {"NotImplementedError", "RuntimeError"}, {"StopIteration", "IndexError"},
                                    {"UnicodeDecodeError", "UnicodeEncodeError"}, {"ZeroDivisionError", "OverflowError"}};
  for (std::uint32_t i = 1; i < view.size(); ++i) {
    if (!view.is(i - 1, "except") && !view.is(i - 1, "raise")) continue;
    for (const auto& swap : kSwaps)
      if (view.is(i, swap.from)) replace(view, i, i, std::string(swap.to), out);
  }
}

void find_bare_except(const FunctionView& view, std::vector<Splice>& out) {
  for (const auto& statement : view.statements()) {
    if (!view.is(statement.begin, "except") || !view.opens_block(statement) || statement.end - statement.begin < 3) continue;
    bool named = false;
    for (auto i = statement.begin; i < statement.end; ++i) named |= view.is(i, "as") || view.is(i, "*");
    // A bare except must be the last of its try.
    const auto s = view.statement_of(statement.begin);
    bool last = true;
    for (auto n = s + 1; n < view.statements().size() && view.statements()[n].indent_bytes >= statement.indent_bytes; ++n)
      if (view.statements()[n].indent_bytes == statement.indent_bytes) {
        last = !view.is(view.statements()[n].begin, "except");
        break;
      }
    if (!named && last) out.push_back({{view[statement.begin].bytes.end, view[statement.end - 1].bytes.begin}, ""});
  }
}

void find_sql_injection(const FunctionView& view, std::vector<Splice>& out) {
  for (std::uint32_t i = 1; i + 3 < view.size(); ++i) {
    if (!view.is(i, "execute") || !view.is(i - 1, ".") || !view.is(i + 1, "(") || view.kind(i + 2) != TokenKind::string) continue;
    if (view.word(i + 2).find("%s") == std::string_view::npos || !view.is(i + 3, ",") || view.is(i + 4, ")")) continue;
    const auto close = view.closer(i + 1);
    if (close == view.size() || only_comma(view, i + 3, close, view.depth(i + 2)) != i + 3) continue;
    replace(view, i + 3, i + 3, " %", out);
  }
}

void find_async_not_awaited(const FunctionView& view, std::vector<Splice>& out) {
  for (std::uint32_t i = 0; i + 1 < view.size(); ++i)
    if (view.is(i, "await") && view.kind(i + 1) == TokenKind::name) out.push_back({{view[i].bytes.begin, view[i + 1].bytes.begin}, ""});
}

void find_pandas_settingwithcopy(const FunctionView& view, std::vector<Splice>& out) {
  for (std::uint32_t i = 1; i + 4 < view.size(); ++i) {
    if (!view.is(i, ".") || !view.is(i + 1, "loc") || !view.is(i + 2, "[") || !view.ends_operand(i - 1)) continue;
    const auto close = view.closer(i + 2);
    if (close >= view.size() || !view.is(close + 1, "=")) continue;
    const auto comma = only_comma(view, i + 3, close, view.depth(i + 3));
    if (comma == close || comma == i + 3 || comma + 1 == close || view.is(i + 3, ":")) continue;
    replace(view, i, close, "[" + std::string(piece(view, i + 3, comma)) + "][" + std::string(piece(view, comma + 1, close)) + "]", out);
  }
}

void find_framework_specific(const FunctionView& view, std::vector<Splice>& out) {
  // Calls that a framework needs and that nothing reports when they are missing.
  static constexpr std::array<std::string_view, 4> kNeeded = {"commit", "zero_grad", "eval", "flush"};
  for (std::uint32_t s = 1; s < view.statements().size(); ++s) {
    const auto& statement = view.statements()[s];
    const auto end = statement.end;
    if (end - statement.begin < 5 || !view.is(end - 1, ")") || !view.is(end - 2, "(") || !view.is(end - 4, ".")) continue;
    if (std::find(kNeeded.begin(), kNeeded.end(), view.word(end - 3)) != kNeeded.end()) remove_statement(view, s, out);
  }
  for (std::uint32_t i = 1; i + 2 < view.size(); ++i) {
    if (view.is(i, "debug") && view.is(i + 1, "=") && view.is(i + 2, "False") && view.depth(i) > 0) replace(view, i + 2, i + 2, "True", out);
    const bool axis = (view.is(i, "axis") || view.is(i, "dim")) && view.is(i + 1, "=") && view.depth(i) > 0;
    if (axis && view.is(i + 2, "0")) replace(view, i + 2, i + 2, "1", out);
    if (axis && view.is(i + 2, "1")) replace(view, i + 2, i + 2, "0", out);
    if (view.is(i, "get_object_or_404") && view.is(i + 1, "(") && view.kind(i + 2) == TokenKind::name && view.is(i + 3, ",") && i + 4 < view.size())
      out.push_back({{view[i].bytes.begin, view[i + 4].bytes.begin}, std::string(view.word(i + 2)) + ".objects.get("});
  }
}

}  // namespace mendel::mutator
