// What runs, mostly as before, and no reviewer lets pass: each is a rule of the linters.
#include <algorithm>
#include <array>

#include "actors/mutator/finders.hpp"

namespace mendel::mutator {

using syntax::TokenKind;

namespace {

constexpr std::array<std::string_view, 8> kBeforeCondition = {"if", "elif", "while", "and", "or", "assert", "return", "not"};
constexpr std::array<std::string_view, 6> kAfterCondition = {":", "and", "or", ",", ")", "else"};

// The tokens [i, end] are all of a term of a condition: a name, an attribute or a call.
std::uint32_t term_end(const FunctionView& view, std::uint32_t i) {
  if (!view.is_any(i - 1, kBeforeCondition) || view.kind(i) != TokenKind::name) return view.size();
  const auto end = view.operand_end(i);
  const auto& statement = view.statements()[view.statement_of(i)];
  const bool whole = end < view.size() && (view.is_any(end + 1, kAfterCondition) || end + 1 == statement.end);
  return whole ? end : view.size();
}

bool has_newline(const FunctionView& view, std::uint32_t first, std::uint32_t last) {
  return view.words(first, last).find('\n') != std::string_view::npos;
}

// The text of a string without prefix, quotes, braces, escapes; empty if it has any of the last two.
bool is_plain_string(const FunctionView& view, std::uint32_t i) {
  const auto word = view.word(i);
  return view.kind(i) == TokenKind::string && (word[0] == '"' || word[0] == '\'') && word.find_first_of("{}\\%\n") == std::string_view::npos &&
         !word.starts_with("\"\"\"") && !word.starts_with("'''") && word.size() > 4;
}

// The variable that the comprehension whose `for` stands at i binds, if it is one short name and all its uses
// lie in the brackets.
bool binds_one(const FunctionView& view, std::uint32_t i) {
  const auto open = view.opener(i);
  if (!view.is(i, "for") || open == view.size() || view.kind(i + 1) != TokenKind::name || !view.is(i + 2, "in")) return false;
  const auto close = view.closer(open);
  if (close == view.size() || has_newline(view, open, close)) return false;
  for (auto j = i + 1; j < close; ++j)
    if (view.is(j, "for") || view.is(j, "lambda")) return false;
  return true;
}

// Renames the variable of the comprehension whose `for` stands at i.
void rename_variable(const FunctionView& view, std::uint32_t i, std::string_view to, Splices& out) {
  const auto open = view.opener(i), close = view.closer(open);
  const auto name = view.word(i + 1);
  std::uint32_t first = view.size(), last = 0;
  std::string text;
  for (auto j = open + 1; j < close; ++j) {
    if (!view.is(j, name) || view.is(j - 1, ".") || view.is(j + 1, "=")) continue;
    if (first == view.size()) first = j;
    else text += view.text().substr(view[last].bytes.end, view[j].bytes.begin - view[last].bytes.end);
    text += to;
    last = j;
  }
  for (auto j = open + 1; j < close; ++j)  // in an f-string it would stay
    if (view.kind(j) == TokenKind::string && view.word(j).find(name) != std::string_view::npos) return;
  if (first < last) replace(view, first, last, std::move(text), out);
}

}  // namespace

void find_none_comparison(const FunctionView& view, Splices& out) {
  for (std::uint32_t i = 1; i + 1 < view.size(); ++i) {
    if (!view.is(i, "is")) continue;
    if (view.is(i + 1, "None")) replace(view, i, "==", out);
    if (view.is(i + 1, "not") && view.is(i + 2, "None")) replace(view, i, i + 1, "!=", out);
  }
}

void find_bool_comparison(const FunctionView& view, Splices& out) {
  for (std::uint32_t i = 1; i + 1 < view.size(); ++i) {
    if (view.is(i - 1, "return")) continue;
    const auto end = term_end(view, i);
    if (end == view.size()) continue;
    const bool negated = view.is(i - 1, "not");
    if (negated) replace(view, i - 1, end, std::string(view.words(i, end)) + " == False", out);
    else insert_after(view, end, " == True", out);
  }
}

void find_type_comparison(const FunctionView& view, Splices& out) {
  if (!view.may_have("isinstance")) return;
  for (std::uint32_t i = 0; i + 5 < view.size(); ++i) {
    if (!view.is(i, "isinstance") || view.is(i - 1, ".")) continue;
    const auto arguments = view.arguments(i + 1);
    if (arguments.size() != 2 || view.is(arguments[1].first, "(") || has_newline(view, i, view.closer(i + 1))) continue;
    const auto value = std::string(view.words(arguments[0].first, arguments[0].last));
    const auto type = std::string(view.words(arguments[1].first, arguments[1].last));
    replace(view, i, view.closer(i + 1), "type(" + value + ") == " + type, out);
  }
}

void find_unused_import(const FunctionView& view, Splices& out) {
  static constexpr std::array<std::string_view, 6> kModules = {"os", "sys", "re", "json", "time", "logging"};
  auto s = view.header() + 1;
  if (s >= view.statements().size()) return;
  const auto first = view.statements()[s].begin;
  if (view.kind(first) == TokenKind::string && view.statements()[s].end == first + 1) ++s;
  if (s >= view.statements().size() || view.statements()[s].line_begin == view.statements()[s - 1].line_end - 1) return;
  const auto& statement = view.statements()[s];
  const auto at = view[statement.begin].bytes.begin;
  const std::string indent(view.text().substr(view.lines(statement).begin, statement.indent_bytes));
  const std::string line_end = view.text().find("\r\n") == std::string_view::npos ? "\n" : "\r\n";
  for (const auto module : kModules)
    if (view.text().find(module) == std::string_view::npos) out.push_back({{at, at}, "import " + std::string(module) + line_end + indent});
}

void find_unused_variable(const FunctionView& view, Splices& out) {
  static constexpr std::array<std::string_view, 3> kNames = {"result", "ret", "value"};
  for (std::uint32_t s = view.header() + 1; s < view.statements().size(); ++s) {
    const auto& statement = view.statements()[s];
    const auto i = statement.begin;
    if (view.is(i, "except") && view.opens_block(statement) && statement.end > i + 2 && view.kind(statement.end - 2) == TokenKind::name) {
      bool bound = false;
      for (auto j = i; j < statement.end; ++j) bound = bound || view.is(j, "as") || (view.is(j, ",") && view.depth(j) == 0);
      if (!bound && !view.may_have("e")) insert_after(view, statement.end - 2, " as e", out);
    }
    if (view.kind(i) != TokenKind::name || view.unnoticed(i) || view.operand_end(i) + 1 != statement.end || !view.is(statement.end - 1, ")")) continue;
    if (view.is(i, "super") || view.word(statement.begin + 2).starts_with("assert") || view.statements()[s].end < i + 3) continue;
    for (const auto name : kNames)
      if (!view.may_have(name)) {
        insert_before(view, i, std::string(name) + " = ", out);
        break;
      }
  }
}

void find_shadowed_builtin(const FunctionView& view, Splices& out) {
  static constexpr std::array<std::string_view, 8> kBuiltins = {"id", "type", "input", "file", "str", "list", "object", "filter"};
  for (std::uint32_t i = 1; i + 2 < view.size(); ++i) {
    if (!binds_one(view, i)) continue;
    for (const auto name : kBuiltins)
      if (!view.may_have(name) && name[0] == view.word(i + 1)[0]) rename_variable(view, i, name, out);
    if (!view.may_have("id")) rename_variable(view, i, "id", out);
  }
}

void find_ambiguous_name(const FunctionView& view, Splices& out) {
  for (std::uint32_t i = 1; i + 2 < view.size(); ++i)
    if (binds_one(view, i) && !view.may_have("l")) rename_variable(view, i, "l", out);
}

void find_fstring_without_placeholder(const FunctionView& view, Splices& out) {
  for (std::uint32_t i = 1; i + 1 < view.size(); ++i) {
    if (!is_plain_string(view, i) || view.kind(i - 1) == TokenKind::string || view.kind(i + 1) == TokenKind::string) continue;
    if (view.is(i - 1, "(") || (view.is(i - 1, "=") && view.depth(i) == 0) || view.is(i - 1, "return")) insert_before(view, i, "f", out);
  }
}

void find_negated_membership(const FunctionView& view, Splices& out) {
  for (std::uint32_t i = 2; i + 1 < view.size(); ++i) {
    const bool membership = view.is(i, "not") && view.is(i + 1, "in");
    const bool identity = view.is(i, "is") && view.is(i + 1, "not");
    if (!membership && !identity) continue;
    const auto begin = view.operand_begin(i - 1);
    if (begin == view.size() || begin == 0 || (!view.is_any(begin - 1, kBeforeCondition) && !view.is(begin - 1, "(")) || view.is(begin - 1, "not")) continue;
    replace(view, begin, i + 1, "not " + std::string(view.words(begin, i - 1)) + (membership ? " in" : " is"), out);
  }
}

void find_superfluous_parentheses(const FunctionView& view, Splices& out) {
  for (const auto& statement : view.statements()) {
    const auto first = statement.begin + 1;
    const bool condition = view.is(statement.begin, "if") || view.is(statement.begin, "while") || view.is(statement.begin, "elif");
    const auto last = condition ? view.colon(statement) - 1 : statement.end - 1;
    if ((!condition && !view.is(statement.begin, "return")) || last < first || last >= view.size() || has_newline(view, first, last)) continue;
    bool plain = !view.is(first, "(") && !view.is(first, "not") && !view.is(first, "yield");
    for (auto i = first; i <= last; ++i)
      plain = plain && !(view.depth(i) == 0 && (view.is(i, ",") || view.is(i, ";") || view.is(i, "*") || view.is(i, ":=")));
    if (plain) replace(view, first, last, "(" + std::string(view.words(first, last)) + ")", out);
  }
}

void find_trailing_semicolon(const FunctionView& view, Splices& out) {
  for (std::uint32_t s = view.header() + 1; s < view.statements().size(); ++s) {
    const auto& statement = view.statements()[s];
    if (view.opens_block(statement) || view.colon(statement) != statement.end || !view.alone_on_line(s)) continue;
    if (view.is(statement.begin, "@") || view.kind(statement.begin) == TokenKind::string) continue;
    insert_after(view, statement.end - 1, ";", out);
  }
}

void find_yoda_condition(const FunctionView& view, Splices& out) {
  for (std::uint32_t i = 2; i + 1 < view.size(); ++i) {
    if (!view.is(i, "==") && !view.is(i, "!=")) continue;
    const bool literal = view.kind(i + 1) == TokenKind::number || (view.kind(i + 1) == TokenKind::string && view.kind(i + 2) != TokenKind::string);
    const auto begin = view.operand_begin(i - 1);
    const auto& statement = view.statements()[view.statement_of(i)];
    if (!literal || begin == view.size() || begin == 0 || !view.is_any(begin - 1, kBeforeCondition) || has_newline(view, begin, i + 1)) continue;
    if (!view.is_any(i + 2, kAfterCondition) && i + 2 != statement.end) continue;
    replace(view, begin, i + 1, std::string(view.word(i + 1)) + " " + std::string(view.word(i)) + " " + std::string(view.words(begin, i - 1)), out);
  }
}

void find_needless_keys(const FunctionView& view, Splices& out) {
  for (std::uint32_t i = 2; i + 1 < view.size(); ++i) {
    if (!view.is(i, "in") || view.kind(i + 1) != TokenKind::name) continue;
    const auto end = view.operand_end(i + 1);
    if (end >= view.size() || view.is(end, ")") || !(view.is(end + 1, ":") || view.is(end + 1, "]") || view.is(end + 1, ")") || view.is(end + 1, "and"))) continue;
    // Is the same thing asked for a key, or made as a mapping, elsewhere?
    const auto name = view.words(i + 1, end);
    bool mapping = false;
    for (std::uint32_t j = 1; j + 3 < view.size() && !mapping; ++j)
      mapping = view.is(j, view.word(end)) && j != end && view[j].bytes.end >= name.size() &&
                view.text().substr(view[j].bytes.end - name.size(), name.size()) == name &&
                ((view.is(j + 1, ".") && (view.is(j + 2, "items") || view.is(j + 2, "get") || view.is(j + 2, "setdefault"))) ||
                 (view.is(j + 1, "=") && (view.is(j + 2, "{") || view.is(j + 2, "dict"))));
    if (mapping) insert_after(view, end, ".keys()", out);
  }
}

void find_needless_ternary(const FunctionView& view, Splices& out) {
  static constexpr std::array<std::string_view, 6> kTests = {"==", "!=", "<", ">", "<=", ">="};
  for (const auto& statement : view.statements()) {
    const auto i = statement.begin;
    if (!view.is(i, "return") || statement.end < i + 4 || has_newline(view, i, statement.end - 1)) continue;
    std::uint32_t tests = 0, others = 0;
    for (auto j = i + 1; j < statement.end; ++j) {
      if (view.depth(j) != 0) continue;
      const bool membership = view.is(j, "in") || view.is(j, "is");
      if (view.is_any(j, kTests) || membership) ++tests;
      else if (view.is(j, "if") || view.is(j, ",") || view.is(j, ";") || view.is(j, "and") || view.is(j, "or") || view.is(j, "lambda")) ++others;
    }
    if (tests == 1 && others == 0) replace(view, i + 1, statement.end - 1, "True if " + std::string(view.words(i + 1, statement.end - 1)) + " else False", out);
  }
}

void find_raise_without_from(const FunctionView& view, Splices& out) {
  for (const auto& statement : view.statements())
    if (view.is(statement.begin, "raise"))
      for (auto i = statement.begin + 2; i + 1 < statement.end; ++i)
        if (view.is(i, "from") && view.depth(i) == 0) drop_with_space(view, i, statement.end - 1, out);
}

void find_needless_comprehension(const FunctionView& view, Splices& out) {
  for (std::uint32_t i = 1; i + 3 < view.size(); ++i) {
    const bool list = view.is(i, "list"), set = view.is(i, "set");
    if ((!list && !set) || view.is(i - 1, ".") || view.is(i - 1, "def") || !view.is(i + 1, "(")) continue;
    const auto arguments = view.arguments(i + 1);
    if (arguments.size() != 1 || arguments[0].named || arguments[0].starred || has_newline(view, i, view.closer(i + 1))) continue;
    if (view.may_have("x") || view.operand_end(arguments[0].first) != arguments[0].last) continue;
    const auto text = "x for x in " + std::string(view.words(arguments[0].first, arguments[0].last));
    replace(view, i, view.closer(i + 1), (list ? "[" : "{") + text + (list ? "]" : "}"), out);
  }
}

void find_negated_comparison(const FunctionView& view, Splices& out) {
  for (std::uint32_t i = 2; i + 1 < view.size(); ++i) {
    if (!view.is(i, "!=") && !view.is(i, "==")) continue;
    const auto begin = view.operand_begin(i - 1), end = view.operand_end(i + 1);
    if (begin >= view.size() || begin == 0 || end >= view.size() || !view.is_any(begin - 1, kBeforeCondition) || view.is(begin - 1, "not")) continue;
    if (!view.is_any(end + 1, kAfterCondition) && end + 1 != view.statements()[view.statement_of(i)].end) continue;
    if (has_newline(view, begin, end)) continue;
    const char* inverse = view.is(i, "!=") ? " == " : " != ";
    replace(view, begin, end, "not " + std::string(view.words(begin, i - 1)) + inverse + std::string(view.words(i + 1, end)), out);
  }
}

}  // namespace mendel::mutator
