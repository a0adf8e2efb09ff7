// Mistakes in the use of the standard library, databases, coroutines and frameworks.
#include <algorithm>
#include <array>

#include "actors/mutator/finders.hpp"

namespace mendel::mutator {
namespace {

using syntax::TokenKind;

// The comma that splits tokens [begin, end) at the depth of `begin`, or `end` if there is none or more than one.
std::uint32_t only_comma(const FunctionView& view, std::uint32_t begin, std::uint32_t end) {
  std::uint32_t found = end;
  for (auto i = begin; i < end; ++i)
    if (view.is(i, ",") && view.depth(i) == view.depth(begin)) {
      if (found != end) return end;
      found = i;
    }
  return found;
}

bool has_word(const FunctionView& view, std::string_view word) {
  for (std::uint32_t i = 0; i < view.size(); ++i)
    if (view.is(i, word)) return true;
  return false;
}

// Does the statement of token i keep or hand on what is copied, or walk over it, so that sharing shows?
bool keeps_value(const FunctionView& view, std::uint32_t i) {
  const auto& statement = view.statements()[view.statement_of(i)];
  if (view.is(statement.begin, "return") || view.is(statement.begin, "for") || view.is(statement.begin, "yield")) return true;
  for (auto j = statement.begin; j < statement.end; ++j)
    if ((view.is(j, "=") && view.depth(j) == 0) || view.is(j, "append") || view.is(j, "insert") || view.is(j, "setdefault")) return true;
  return false;
}

// Would dropping tokens [first, last] leave "x = x" or a target of assignment?
bool assigns_itself(const FunctionView& view, std::uint32_t operand, std::uint32_t last) {
  const auto& statement = view.statements()[view.statement_of(operand)];
  return (view.is(operand - 1, "=") && view.is(operand - 2, view.word(operand))) || (view.is(last + 1, "=") && view.depth(last) == 0) ||
         view.is(statement.begin, "del");
}

}  // namespace

void find_shallow_copy(const FunctionView& view, Splices& out) {
  for (std::uint32_t i = 1; i + 1 < view.size(); ++i) {
    const bool of_module = view.is(i - 1, ".") && i >= 2 && view.is(i - 2, "copy");
    const bool called_with_name = view.is(i + 1, "(") && view.kind(i + 2) == TokenKind::name && view.is(i + 3, ")");
    if (view.is(i, "deepcopy") && view.is(i + 1, "(") && of_module) replace(view, i, i, "copy", out);
    const bool bare_deep = view.is(i, "deepcopy") && !view.is(i - 1, ".") && !view.is(i - 1, "def");
    if (bare_deep && called_with_name && !view.is(i - 2, view.word(i + 2))) replace(view, i, i + 3, std::string(view.word(i + 2)), out);
    if (view.is(i, "copy") && of_module && called_with_name && !view.is(i - 4, view.word(i + 2))) replace(view, i - 2, i + 3, std::string(view.word(i + 2)), out);
    if (view.is(i, ".") && view.is(i + 1, "copy") && view.is(i + 2, "(") && view.is(i + 3, ")") && view.ends_operand(i - 1) && !view.is(i - 1, "copy") &&
        keeps_value(view, i) && !assigns_itself(view, i - 1, i + 3))
      replace(view, i, i + 3, "", out);
    if (view.is(i, "[") && view.is(i + 1, ":") && view.is(i + 2, "]") && view.follows_operand(i) && keeps_value(view, i) && !assigns_itself(view, i - 1, i + 2))
      replace(view, i, i + 2, "", out);
    const bool builds = view.is(i, "list") || view.is(i, "dict") || view.is(i, "set");
    if (builds && view.is(i - 1, "=") && view.depth(i) == 0 && called_with_name && !view.is(i - 2, view.word(i + 2)) && !view.is(i + 4, "."))
      replace(view, i, i + 3, std::string(view.word(i + 2)), out);
  }
}

void find_wrong_exception(const FunctionView& view, Splices& out) {
  struct Swap {
    std::string_view from, to;
  };
  static constexpr Swap kSwaps[] = {{"KeyError", "IndexError"},
                                    {"KeyError", "AttributeError"},
                                    {"IndexError", "KeyError"},
                                    {"ValueError", "TypeError"},
                                    {"ValueError", "KeyError"},
                                    {"TypeError", "ValueError"},
                                    {"TypeError", "AttributeError"},
                                    {"AttributeError", "KeyError"},
                                    {"AttributeError", "TypeError"},
                                    {"ImportError", "AttributeError"},
                                    {"ModuleNotFoundError", "AttributeError"},
                                    {"OSError", "ValueError"},
                                    {"IOError", "ValueError"},
                                    {"FileNotFoundError", "PermissionError"},
                                    {"FileExistsError", "FileNotFoundError"},
                                    {"PermissionError", "FileNotFoundError"},
                                    {"RuntimeError", "ValueError"},
                                    {"NotImplementedError", "ValueError"},
                                    {"StopIteration", "IndexError"},
                                    {"EOFError", "ValueError"},
                                    {"NameError", "AttributeError"},
                                    {"TimeoutError", "ValueError"},
                                    {"AssertionError", "ValueError"},
                                    {"OverflowError", "TypeError"},
                                    {"UnicodeDecodeError", "UnicodeEncodeError"},
                                    {"UnicodeEncodeError", "UnicodeDecodeError"},
                                    {"ZeroDivisionError", "OverflowError"}};
  for (std::uint32_t i = 1; i < view.size(); ++i) {
    const bool one = view.is(i - 1, "except") || view.is(i - 1, "raise");
    const bool one_of_many = view.is(view.statements()[view.statement_of(i)].begin, "except") && view.depth(i) == 1;
    if ((!one && !one_of_many) || view.is(i + 1, ".")) continue;
    for (const auto& swap : kSwaps)
      // Where the other kind is handled too, the swap might change nothing.
      if (view.is(i, swap.from) && !has_word(view, swap.to)) replace(view, i, i, std::string(swap.to), out);
  }
}

void find_bare_except(const FunctionView& view, Splices& out) {
  for (std::uint32_t s = 0; s < view.statements().size(); ++s) {
    const auto& statement = view.statements()[s];
    if (!view.is(statement.begin, "except")) continue;
    auto colon = statement.begin;
    while (colon < statement.end && !(view.is(colon, ":") && view.depth(colon) == 0)) ++colon;
    if (colon == statement.end || colon < statement.begin + 2) continue;
    bool named = false;
    for (auto i = statement.begin; i < colon; ++i) named |= view.is(i, "as") || view.is(i, "*") || (view.is(i, ",") && view.depth(i) == 0);
    // A bare except must be the last of its try.
    bool last = true;
    for (auto n = s + 1; n < view.statements().size() && view.statements()[n].indent_bytes >= statement.indent_bytes; ++n)
      if (view.statements()[n].indent_bytes == statement.indent_bytes) {
        last = !view.is(view.statements()[n].begin, "except");
        break;
      }
    if (!named && last) out.push_back({{view[statement.begin].bytes.end, view[colon].bytes.begin}, ""});
  }
}

void find_sql_injection(const FunctionView& view, Splices& out) {
  for (std::uint32_t i = 1; i + 4 < view.size(); ++i) {
    if (!view.is(i, "execute") || !view.is(i - 1, ".") || !view.is(i + 1, "(")) continue;
    const auto close = view.closer(i + 1);
    if (close >= view.size() || !view.is(i + 3, ",") || i + 4 >= close || only_comma(view, i + 2, close) != i + 3) continue;
    if (view.is(i + 4, "*") || view.is(i + 4, "**") || view.is(i + 5, "=")) continue;
    if (view.kind(i + 2) == TokenKind::name) {
      if (view.is(i + 4, "(") || view.is(i + 4, "params") || view.is(i + 4, "args") || view.is(i + 4, "values")) replace(view, i + 3, i + 3, " %", out);
      continue;
    }
    if (view.kind(i + 2) != TokenKind::string || (view.word(i + 2)[0] != '"' && view.word(i + 2)[0] != '\'')) continue;
    std::string query(view.word(i + 2));
    if (query.find("%s") != std::string::npos) {
      replace(view, i + 3, i + 3, " %", out);
    } else if (query.find('?') != std::string::npos && query.find('%') == std::string::npos) {
      for (std::size_t at = 0; (at = query.find('?', at)) != std::string::npos; at += 2) query.replace(at, 1, "%s");
      replace(view, i + 2, i + 3, query + " %", out);
    }
  }
}

void find_async_not_awaited(const FunctionView& view, Splices& out) {
  for (std::uint32_t i = 0; i + 1 < view.size(); ++i)
    if (view.is(i, "await") && view.kind(i + 1) == TokenKind::name) out.push_back({{view[i].bytes.begin, view[i + 1].bytes.begin}, ""});
}

void find_pandas_settingwithcopy(const FunctionView& view, Splices& out) {
  for (std::uint32_t i = 1; i + 4 < view.size(); ++i) {
    if (!view.is(i, ".") || !view.is(i + 1, "loc") || !view.is(i + 2, "[") || !view.ends_operand(i - 1)) continue;
    const auto close = view.closer(i + 2);
    if (close >= view.size() || !view.is(close + 1, "=")) continue;
    const auto comma = only_comma(view, i + 3, close);
    if (comma == close || comma == i + 3 || comma + 1 == close || view.is(i + 3, ":")) continue;
    replace(view, i, close, "[" + std::string(view.words(i + 3, comma - 1)) + "][" + std::string(view.words(comma + 1, close - 1)) + "]", out);
  }
}

namespace {

// RECEIVER.METHOD() alone on its line: needed by the framework, and nothing reports that it is missing.
struct NeededCall {
  std::string_view method;
  std::string_view receiver_has;  // what the last name of the receiver contains
};
constexpr NeededCall kNeededCalls[] = {{"commit", ""},   {"flush", "session"}, {"rollback", ""},   {"zero_grad", ""},    {"eval", "model"},
                                       {"eval", "net"},  {"backward", ""},     {"step", "optim"},  {"step", "scheduler"}, {"full_clean", ""},
                                       {"refresh_from_db", ""}};

void forget_call(const FunctionView& view, std::uint32_t s, Splices& out) {
  const auto end = view.statements()[s].end;
  if (end - view.statements()[s].begin < 5 || !view.is(end - 1, ")") || !view.is(end - 2, "(") || !view.is(end - 4, ".")) return;
  const bool needed = std::any_of(std::begin(kNeededCalls), std::end(kNeededCalls), [&](const NeededCall& call) {
    return view.is(end - 3, call.method) && view.word(end - 5).find(call.receiver_has) != std::string_view::npos;
  });
  if (!needed) return;
  if (const auto lines = view.removal(s, s + 1)) out.push_back({*lines, ""});
}

}  // namespace

void find_framework_specific(const FunctionView& view, Splices& out) {
  for (std::uint32_t s = 1; s < view.statements().size(); ++s) forget_call(view, s, out);
  for (std::uint32_t i = 1; i + 2 < view.size(); ++i) {
    const auto open = view.opener(i);
    const bool argument = view.is(i + 1, "=") && view.is(open, "(") && view.follows_operand(open) && !view.is(view.statements()[view.statement_of(i)].begin, "def");
    if (argument && view.is(i, "debug") && view.is(i + 2, "False")) replace(view, i + 2, i + 2, "True", out);
    const bool axis = argument && (view.is(i, "axis") || view.is(i, "dim")) && !view.is(i - 1, "-");
    if (axis && view.is(i + 2, "0")) replace(view, i + 2, i + 2, "1", out);
    if (axis && view.is(i + 2, "1")) replace(view, i + 2, i + 2, "0", out);
    if (view.is(i, "get_object_or_404") && view.is(i + 1, "(") && view.kind(i + 2) == TokenKind::name && view.is(i + 3, ",") && i + 4 < view.size())
      out.push_back({{view[i].bytes.begin, view[i + 4].bytes.begin}, std::string(view.word(i + 2)) + ".objects.get("});
  }
}

}  // namespace mendel::mutator
