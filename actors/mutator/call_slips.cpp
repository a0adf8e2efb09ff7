// Mistakes in calls and values: arguments in the wrong order or left out, the neighbour in the documentation,
// conversions and bindings forgotten, the other end of a slice.
#include <algorithm>
#include <array>

#include "actors/mutator/finders.hpp"
#include "actors/mutator/type_hints.hpp"

namespace mendel::mutator {

using syntax::TokenKind;

namespace {

bool is_definition(const FunctionView& view, std::uint32_t open) { return view.is(open - 2, "def") || view.is(open - 2, "class"); }

bool has_newline(const FunctionView& view, std::uint32_t first, std::uint32_t last) {
  return view.words(first, last).find('\n') != std::string_view::npos;
}

// Is the text at i the mode of an open() or a mode, encoding or way of handling errors given by name?
bool opens_or_encodes(const FunctionView& view, std::uint32_t i) {
  static constexpr std::array<std::string_view, 3> kNames = {"mode", "encoding", "errors"};
  static constexpr std::array<std::string_view, 5> kCalls = {"open", "fdopen", "decode", "encode", "ZipFile"};
  const auto open = view.opener(i);
  if (open == view.size() || open == 0 || view.word(i).size() < 3) return false;
  return (view.is(i - 1, "=") && view.is_any(i - 2, kNames)) || (view.is(open, "(") && !view.is(i - 1, "=") && view.is_any(open - 1, kCalls));
}

struct Pair {
  std::string_view from, to;
};

}  // namespace

void find_argument_swap(const FunctionView& view, Splices& out) {
  // What answers the same either way.
  static constexpr std::array<std::string_view, 16> kSymmetric = {"min",    "max",   "gcd",       "isclose",  "print",     "hypot", "zip",        "union",
                                                                  "format", "debug", "assertIs",  "info",     "warning",   "error", "assertEqual", "join"};
  const TypeHints hints(view);
  for (std::uint32_t open = 1; open + 3 < view.size(); ++open) {
    if (!view.is(open, "(") || !view.follows_operand(open) || is_definition(view, open) || view.unnoticed(open)) continue;
    if (view.is_any(open - 1, kSymmetric) || view.word(open - 1).starts_with("assert")) continue;
    const auto arguments = view.arguments(open);
    for (std::size_t n = 0; n + 1 < arguments.size(); ++n) {
      const auto &a = arguments[n], &b = arguments[n + 1];
      if (a.named || b.named || a.starred || b.starred || has_newline(view, a.first, b.last)) continue;
      const auto left = view.words(a.first, a.last), right = view.words(b.first, b.last);
      // Names, attributes and items change places unnoticed; a text and a number do not.
      if (left == right || view.kind(a.first) != TokenKind::name || view.kind(b.first) != TokenKind::name) continue;
      if (view.operand_end(a.first) != a.last || view.operand_end(b.first) != b.last) continue;
      if (a.first == a.last && b.first == b.last && !hints.may_stand_for(left, right)) continue;
      replace(view, a.first, b.last, std::string(right) + std::string(view.text().substr(view[a.last].bytes.end, view[b.first].bytes.begin - view[a.last].bytes.end)) + std::string(left), out);
    }
  }
}

void find_missing_argument(const FunctionView& view, Splices& out) {
  for (std::uint32_t open = 1; open + 3 < view.size(); ++open) {
    if (!view.is(open, "(") || !view.follows_operand(open) || is_definition(view, open) || view.unnoticed(open) || view.is(open - 1, "print")) continue;
    const auto arguments = view.arguments(open);
    for (std::size_t n = 1; n < arguments.size(); ++n) {
      const auto& a = arguments[n];
      if (has_newline(view, a.first, a.last) || (!a.named && n + 1 < arguments.size()) || a.last - a.first > 12) continue;
      // A default that is given by name says nothing new.
      if (a.named && (view.is(a.first + 2, "None") || view.is(a.first + 2, "False"))) continue;
      drop_with_space(view, arguments[n - 1].last + 1, a.last, out);
    }
  }
}

void find_wrong_attribute(const FunctionView& view, Splices& out) {
  static constexpr Pair kSwaps[] = {
      {"lower", "upper"},       {"upper", "lower"},       {"split", "rsplit"},      {"rsplit", "split"},     {"strip", "lstrip"},     {"strip", "rstrip"},
      {"lstrip", "rstrip"},     {"rstrip", "lstrip"},     {"startswith", "endswith"}, {"endswith", "startswith"}, {"find", "rfind"},  {"rfind", "find"},
      {"partition", "rpartition"}, {"rpartition", "partition"}, {"append", "extend"}, {"extend", "append"},  {"items", "values"},     {"values", "keys"},
      {"keys", "values"},       {"read", "readline"},     {"readlines", "readline"}, {"readline", "read"},   {"encode", "decode"},    {"decode", "encode"},
      {"dumps", "dump"},        {"loads", "load"},        {"load", "loads"},        {"dump", "dumps"},       {"floor", "ceil"},       {"ceil", "floor"},
      {"union", "intersection"}, {"intersection", "union"}, {"add", "update"},      {"popleft", "pop"},      {"appendleft", "append"}, {"match", "search"},
      {"search", "match"},      {"findall", "finditer"},  {"group", "groups"},      {"dirname", "basename"}, {"basename", "dirname"}, {"isfile", "isdir"},
      {"isdir", "isfile"},      {"exists", "isfile"},     {"remove", "discard"},    {"start", "end"},        {"width", "height"},     {"height", "width"},
      {"min", "max"},           {"max", "min"},           {"get_nowait", "get"},    {"acquire", "release"},  {"set", "clear"},        {"isdigit", "isalpha"},
      {"first", "last"},        {"last", "first"},        {"next", "prev"},         {"left", "right"},       {"right", "left"},       {"stdout", "stderr"},
      {"stderr", "stdout"}};
  for (std::uint32_t i = 2; i < view.size(); ++i) {
    if (!view.is(i - 1, ".") || view.unnoticed(i)) continue;
    for (const auto& swap : kSwaps)
      if (view.is(i, swap.from)) replace(view, i, swap.to, out);
  }
}

void find_wrong_function(const FunctionView& view, Splices& out) {
  static constexpr Pair kSwaps[] = {{"min", "max"},       {"max", "min"},         {"any", "all"},      {"all", "any"},         {"int", "float"}, {"float", "int"},
                                    {"str", "repr"},      {"repr", "str"},        {"sum", "len"},      {"enumerate", "zip"},   {"round", "int"}, {"issubclass", "isinstance"},
                                    {"isinstance", "issubclass"}, {"getattr", "hasattr"}, {"ord", "chr"}, {"chr", "ord"},      {"sorted", "reversed"}, {"list", "tuple"},
                                    {"tuple", "list"},    {"bytes", "str"}};
  for (std::uint32_t i = 1; i + 2 < view.size(); ++i) {
    if (view.kind(i) != TokenKind::name || !view.is(i + 1, "(") || view.is(i - 1, ".") || view.is(i - 1, "def") || view.unnoticed(i)) continue;
    for (const auto& swap : kSwaps)
      if (view.is(i, swap.from)) replace(view, i, swap.to, out);
  }
}

void find_wrong_literal(const FunctionView& view, Splices& out) {
  static constexpr Pair kModes[] = {{"rb", "r"}, {"wb", "w"}, {"r", "w"}, {"w", "a"}, {"a", "w"}, {"rt", "rb"}, {"utf-8", "ascii"}, {"utf8", "ascii"}, {"replace", "strict"}};
  for (std::uint32_t i = 1; i < view.size(); ++i) {
    const bool given = view.is(i - 1, "=") || view.is(i - 1, "return") || view.is(i - 1, "(") || view.is(i - 1, ",");
    const bool ends = view.is(i + 1, ")") || view.is(i + 1, ",") || i + 1 == view.statements()[view.statement_of(i)].end;
    if (!given || !ends || view.unnoticed(i)) continue;
    if (view.is(i, "True")) replace(view, i, "False", out);
    if (view.is(i, "False")) replace(view, i, "True", out);
    const auto word = view.word(i);
    if (view.kind(i) != TokenKind::string || !opens_or_encodes(view, i)) continue;
    for (const auto& mode : kModes)
      if (word.substr(1, word.size() - 2) == mode.from) replace(view, i, word.front() + std::string(mode.to) + word.back(), out);
  }
}

void find_wrong_identity(const FunctionView& view, Splices& out) {
  for (std::uint32_t i = 1; i + 1 < view.size(); ++i) {
    if (!view.is(i, "==") && !view.is(i, "!=")) continue;
    // With itself, True, False or None `is` answers the same; of -1 and brackets CPython warns at once.
    const auto kind = view.kind(i + 1);
    if (!view.ends_operand(i - 1) || (kind != TokenKind::name && kind != TokenKind::string && kind != TokenKind::number) || view.unnoticed(i)) continue;
    if (view.word(i - 1) == view.word(i + 1)) continue;
    // a==b has no room for words.
    const std::string word = view.is(i, "==") ? "is" : "is not";
    const bool spaced = view[i - 1].bytes.end < view[i].bytes.begin && view[i].bytes.end < view[i + 1].bytes.begin;
    replace(view, i, spaced ? word : " " + word + " ", out);
  }
}

void find_wrong_membership(const FunctionView& view, Splices& out) {
  for (std::uint32_t i = 1; i + 1 < view.size(); ++i) {
    if (!view.is(i, "in") || view.is(i - 1, "not") || view.unnoticed(i)) continue;
    bool of_for = false;
    for (auto j = i; j-- > view.statements()[view.statement_of(i)].begin && view.depth(j) >= view.depth(i);)
      if (view.is(j, "for") || view.is(j, "in")) {
        of_for = view.is(j, "for");
        break;
      }
    if (of_for) continue;
    replace(view, i, "not in", out);
    if (view.kind(i + 1) == TokenKind::name && view.operand_end(i + 1) < view.size()) replace(view, i, "==", out);
  }
}

void find_wrong_slice(const FunctionView& view, Splices& out) {
  for (std::uint32_t open = 1; open + 3 < view.size(); ++open) {
    if (!view.is(open, "[") || !view.follows_operand(open)) continue;
    const auto close = view.closer(open);
    if (close >= view.size() || has_newline(view, open, close)) continue;
    std::uint32_t colons = 0, at = 0;
    for (auto i = open + 1; i < close; ++i)
      if (view.depth(i) == view.depth(open + 1) && (view.is(i, ":") || view.is(i, ","))) ++colons, at = i;
    if (colons != 1 || view.is(at, ",") || close == open + 2) continue;
    if (at == open + 1) replace(view, at, close - 1, std::string(view.words(at + 1, close - 1)) + ":", out);
    if (at == close - 1) replace(view, open + 1, at, ":" + std::string(view.words(open + 1, at - 1)), out);
  }
}

void find_missing_conversion(const FunctionView& view, Splices& out) {
  static constexpr std::array<std::string_view, 8> kFunctions = {"int", "float", "str", "list", "tuple", "set", "bytes", "abs"};
  static constexpr std::array<std::string_view, 8> kMethods = {"strip", "lower", "upper", "rstrip", "lstrip", "copy", "encode", "decode"};
  for (std::uint32_t i = 1; i + 2 < view.size(); ++i) {
    if (view.is_any(i, kFunctions) && view.is(i + 1, "(") && !view.is(i - 1, ".") && !view.is(i - 1, "def") && !view.unnoticed(i) && !view.in_annotation(i)) {
      const auto arguments = view.arguments(i + 1);
      const auto close = view.closer(i + 1);
      if (arguments.size() == 1 && !arguments[0].starred && !arguments[0].named && view.operand_end(arguments[0].first) == arguments[0].last &&
          view.kind(arguments[0].first) == TokenKind::name && !view.is(close + 1, "."))
        replace(view, i, close, std::string(view.words(arguments[0].first, arguments[0].last)), out);
    }
    const bool step = view.is(i, ".") && view.is_any(i + 1, kMethods) && view.is(i + 2, "(");
    const auto close = step ? view.closer(i + 2) : view.size();
    if (step && close < view.size() && close <= i + 5 && view.operand_begin(i - 1) < view.size() && !view.is(i + 1, "copy")) {
      const auto& statement = view.statements()[view.statement_of(i)];
      // x = x.strip() would become x = x.
      const bool itself = view.is(i - 2, "=") && view.is(i - 3, view.word(i - 1));
      if (!itself && !(close + 1 == statement.end && view.operand_begin(i - 1) == statement.begin)) drop_with_space(view, i, close, out);
    }
  }
}

void find_missing_call_parentheses(const FunctionView& view, Splices& out) {
  for (std::uint32_t i = 2; i + 1 < view.size(); ++i) {
    if (!view.is(i, "(") || view.closer(i) != i + 1 || !view.is(i - 2, ".") || view.kind(i - 1) != TokenKind::name) continue;
    const auto& statement = view.statements()[view.statement_of(i)];
    const bool ends = i + 2 == statement.end || view.is(i + 2, ":") || view.is(i + 2, ")") || view.is(i + 2, ",") || view.kind(i + 2) == TokenKind::keyword;
    if (ends && !view.is(statement.begin, "@")) out.push_back({{view[i].bytes.begin, view[i + 1].bytes.end}, ""});
  }
}

void find_missing_self(const FunctionView& view, Splices& out) {
  if (!view.may_have("self")) return;
  for (std::uint32_t i = 1; i + 2 < view.size(); ++i)
    if (view.is(i, "self") && view.is(i + 1, ".") && !view.is(i - 1, ".") && view.is(i + 3, "(") && !view.word(i + 2).starts_with("__")) drop_up_to(view, i, i + 2, out);
}

void find_missing_default(const FunctionView& view, Splices& out) {
  if (!view.may_have("get")) return;
  for (std::uint32_t i = 2; i + 3 < view.size(); ++i) {
    if (!view.is(i, "get") || !view.is(i - 1, ".") || !view.is(i + 1, "(") || !view.ends_operand(i - 2)) continue;
    // Of a mapping, which takes a key and perhaps a default; clients and queues take other things.
    if (view.is(i - 2, "requests") || view.is(i - 2, "client") || view.is(i - 2, "session") || view.word(i - 2).ends_with("queue") || view.is(i - 2, "objects")) continue;
    const auto arguments = view.arguments(i + 1);
    if (arguments.empty() || arguments.size() > 2 || arguments[0].named || arguments[0].starred || arguments.back().named) continue;
    replace(view, i - 1, view.closer(i + 1), "[" + std::string(view.words(arguments[0].first, arguments[0].last)) + "]", out);
  }
}

void find_late_binding(const FunctionView& view, Splices& out) {
  if (!view.may_have("lambda")) return;
  for (std::uint32_t i = 1; i + 3 < view.size(); ++i) {
    // lambda x, name=name: … keeps the value of now.
    if (view.kind(i) != TokenKind::name || !view.is(i + 1, "=") || view.word(i) != view.word(i + 2) || view.is(i, "self")) continue;
    bool of_lambda = false;
    for (auto j = i; j-- > 0 && view.depth(j) >= view.depth(i) && !view.is(j, ":");) of_lambda = of_lambda || view.is(j, "lambda");
    if (!of_lambda) continue;
    if (view.is(i + 3, ":") && view.is(i - 1, "lambda")) drop_with_space(view, i, i + 2, out);
    else if (view.is(i - 1, ",")) drop_with_space(view, i - 1, i + 2, out);
    else if (view.is(i + 3, ",")) drop_up_to(view, i, i + 4, out);
  }
}

void find_inplace_result(const FunctionView& view, Splices& out) {
  if (!view.may_have_any({"sorted", "append"})) return;
  for (std::uint32_t i = 1; i + 2 < view.size(); ++i) {
    if (view.is(i, "sorted") && view.is(i + 1, "(") && (view.is(i - 1, "=") || view.is(i - 1, "return"))) {
      const auto arguments = view.arguments(i + 1);
      const auto close = view.closer(i + 1);
      if (arguments.empty() || arguments[0].starred || view.kind(arguments[0].first) != TokenKind::name || view.operand_end(arguments[0].first) != arguments[0].last) continue;
      if (view.is(close + 1, "[") || view.is(close + 1, ".") || has_newline(view, i, close)) continue;
      const auto rest = arguments.size() > 1 ? std::string(view.words(arguments[1].first, close - 1)) : "";
      replace(view, i, close, std::string(view.words(arguments[0].first, arguments[0].last)) + ".sort(" + rest + ")", out);
    }
    // xs.append(x) → xs = xs.append(x)
    if (view.is(i, ".") && view.is(i + 1, "append") && view.starts_statement(i - 1) && !view.is(i - 1, "self") && view.kind(i - 1) == TokenKind::name && view.closer(i + 2) + 1 == view.statements()[view.statement_of(i)].end)
      insert_before(view, i - 1, std::string(view.word(i - 1)) + " = ", out);
  }
}

void find_return_for_yield(const FunctionView& view, Splices& out) {
  if (!view.may_have("yield")) return;
  for (const auto& statement : view.statements())
    if (view.is(statement.begin, "yield") && !view.is(statement.begin + 1, "from") && statement.end > statement.begin + 1) replace(view, statement.begin, "return", out);
}

void find_assert_on_tuple(const FunctionView& view, Splices& out) {
  if (!view.may_have("assert")) return;
  for (const auto& statement : view.statements()) {
    if (!view.is(statement.begin, "assert") || has_newline(view, statement.begin, statement.end - 1)) continue;
    std::uint32_t commas = 0;
    for (auto i = statement.begin; i < statement.end; ++i) commas += view.is(i, ",") && view.depth(i) == 0;
    if (commas == 1) replace(view, statement.begin + 1, statement.end - 1, "(" + std::string(view.words(statement.begin + 1, statement.end - 1)) + ")", out);
  }
}

}  // namespace mendel::mutator
