// Rows from narrow to wide: the first that fits wins.
#include "actors/miner/edit_type.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "actors/syntax/tokens.hpp"

namespace mendel::miner {
namespace {

using Words = std::span<const std::string_view>;
using AllEdits = std::span<const TokenEdit>;

constexpr std::string_view kComparisons[] = {"==", "!=", "<", ">", "<=", ">="};
constexpr std::string_view kOperators[] = {"+", "-", "*", "/", "//", "%", "**", "@", "&", "|", "^", "<<", ">>", "and", "or",
                                           "+=", "-=", "*=", "/=", "//=", "%=", "&=", "|=", "^=", "="};

bool in(std::string_view word, Words words) { return std::find(words.begin(), words.end(), word) != words.end(); }
bool holds(const std::vector<std::string_view>& words, std::string_view word) { return in(word, words); }

bool holds(const std::vector<std::string_view>& words, std::initializer_list<std::string_view> run) {
  return std::search(words.begin(), words.end(), run.begin(), run.end()) != words.end();
}

bool single(AllEdits edits, std::size_t removed, std::size_t added) {
  return edits.size() == 1 && edits[0].removed.size() == removed && edits[0].added.size() == added;
}

bool is_name(std::string_view word) {
  const auto c = word.empty() ? '\0' : word[0];
  return ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_') && word.find_first_of("'\"") == std::string_view::npos &&
         !syntax::is_keyword(word);
}

bool is_string(std::string_view word) { return word.find_first_of("'\"") != std::string_view::npos; }

bool is_number(std::string_view word) { return !word.empty() && word[0] >= '0' && word[0] <= '9'; }

// All edits only add closers, commas or colons of the one kind.
bool only_adds(AllEdits edits, std::initializer_list<std::string_view> words) {
  return !edits.empty() && std::all_of(edits.begin(), edits.end(), [&](const TokenEdit& edit) {
    return edit.removed.empty() && !edit.added.empty() &&
           std::all_of(edit.added.begin(), edit.added.end(), [&](auto w) { return std::find(words.begin(), words.end(), w) != words.end(); });
  });
}

bool adds_any(AllEdits edits, std::initializer_list<std::string_view> run) {
  return std::any_of(edits.begin(), edits.end(), [&](const TokenEdit& edit) { return holds(edit.added, run); });
}

bool removes_any(AllEdits edits, std::initializer_list<std::string_view> run) {
  return std::any_of(edits.begin(), edits.end(), [&](const TokenEdit& edit) { return holds(edit.removed, run); });
}

bool exchanges_one_of(AllEdits edits, Words words) {
  return single(edits, 1, 1) && in(edits[0].removed[0], words) && in(edits[0].added[0], words);
}

bool missing_colon(AllEdits edits) { return only_adds(edits, {":"}); }
bool missing_parenthesis(AllEdits edits) { return only_adds(edits, {"(", ")"}); }
bool missing_bracket(AllEdits edits) { return only_adds(edits, {"[", "]", "{", "}"}); }
bool missing_comma(AllEdits edits) { return only_adds(edits, {","}); }
bool indentation(AllEdits edits) { return edits.empty(); }
bool any_other(AllEdits) { return true; }

bool not_awaited(AllEdits edits) {
  return !edits.empty() && std::all_of(edits.begin(), edits.end(), [](const TokenEdit& e) { return e.removed.empty() && e.added.size() == 1 && e.added[0] == "await"; });
}

bool gives(AllEdits edits, std::string_view keyword, std::string_view value) {
  return std::any_of(edits.begin(), edits.end(), [&](const TokenEdit& e) { return e.keyword == keyword && holds(e.added, value); });
}

bool shell(AllEdits edits) { return removes_any(edits, {"shell", "=", "True"}) || gives(edits, "shell", "False"); }
bool unsafe_load(AllEdits edits) { return adds_any(edits, {"safe_load"}) || adds_any(edits, {"SafeLoader"}); }
bool certificate(AllEdits edits) { return removes_any(edits, {"verify", "=", "False"}) || gives(edits, "verify", "True"); }
bool escaping(AllEdits edits) { return adds_any(edits, {"escape", "("}) || adds_any(edits, {"quote", "("}); }

bool bare_except(AllEdits edits) {
  return edits.size() == 1 && edits[0].before == "except" && edits[0].removed.empty() && !edits[0].added.empty();
}

bool wrong_exception(AllEdits edits) {
  return edits.size() == 1 && !edits[0].added.empty() && (edits[0].before == "except" || edits[0].before == "raise");
}

bool wrong_comparison(AllEdits edits) { return exchanges_one_of(edits, kComparisons); }

bool negation(AllEdits edits) {
  return edits.size() == 1 && ((edits[0].removed.empty() && edits[0].added.size() == 1 && edits[0].added[0] == "not") ||
                               (edits[0].added.empty() && edits[0].removed.size() == 1 && edits[0].removed[0] == "not"));
}

bool identity(AllEdits edits) {
  if (edits.size() != 1) return false;
  const auto tests = [](const auto& words) { return words.size() <= 2 && (holds(words, "is") || holds(words, "in")); };
  const auto equals = [](const auto& words) { return words.size() == 1 && in(words[0], kComparisons); };
  return (tests(edits[0].removed) && equals(edits[0].added)) || (equals(edits[0].removed) && tests(edits[0].added));
}

bool wrong_operator(AllEdits edits) { return exchanges_one_of(edits, kOperators); }

bool off_by_one(AllEdits edits) {
  if (single(edits, 1, 1) && is_number(edits[0].removed[0]) && is_number(edits[0].added[0])) {
    long a = 0, b = 0;
    const auto read = [](std::string_view w, long& out) { return std::from_chars(w.data(), w.data() + w.size(), out).ptr == w.data() + w.size(); };
    return read(edits[0].removed[0], a) && read(edits[0].added[0], b) && (a - b == 1 || b - a == 1);
  }
  const auto step = [](const auto& words) { return words.size() == 2 && (words[0] == "+" || words[0] == "-") && words[1] == "1"; };
  return edits.size() == 1 && ((edits[0].removed.empty() && step(edits[0].added)) || (edits[0].added.empty() && step(edits[0].removed)));
}

bool missing_return(AllEdits edits) {
  return edits.size() == 1 && edits[0].removed.empty() && !edits[0].added.empty() && edits[0].added[0] == "return";
}

bool mutable_default(AllEdits edits) {
  return std::any_of(edits.begin(), edits.end(), [](const TokenEdit& e) {
    return e.before == "=" && e.added.size() == 1 && e.added[0] == "None" &&
           (holds(e.removed, {"[", "]"}) || holds(e.removed, {"{", "}"}));
  });
}

bool shallow_copy(AllEdits edits) { return adds_any(edits, {"copy", "("}) || adds_any(edits, {"deepcopy"}); }

bool none_check(AllEdits edits) {
  return adds_any(edits, {"is", "None"}) || adds_any(edits, {"is", "not", "None"});
}

bool variable(AllEdits edits) {
  return single(edits, 1, 1) && is_name(edits[0].removed[0]) && is_name(edits[0].added[0]) && edits[0].before != ".";
}

bool attribute(AllEdits edits) {
  return single(edits, 1, 1) && is_name(edits[0].removed[0]) && is_name(edits[0].added[0]) && edits[0].before == ".";
}

bool literal(AllEdits edits) {
  const auto is_literal = [](std::string_view w) { return is_string(w) || is_number(w) || w == "True" || w == "False" || w == "None"; };
  return single(edits, 1, 1) && is_literal(edits[0].removed[0]) && is_literal(edits[0].added[0]);
}

bool argument(AllEdits edits) {
  return edits.size() == 1 && edits[0].removed.empty() && !edits[0].added.empty() &&
         (edits[0].added.front() == "," || edits[0].added.back() == ",");
}

bool condition(AllEdits edits) {
  return edits.size() == 1 && edits[0].removed.empty() && !edits[0].added.empty() &&
         (edits[0].added[0] == "and" || edits[0].added[0] == "or" || edits[0].added.back() == "and" || edits[0].added.back() == "or");
}

bool guard(AllEdits edits) {
  return edits.size() == 1 && edits[0].removed.empty() && !edits[0].added.empty() && edits[0].added[0] == "if";
}

bool exception_handling(AllEdits edits) { return adds_any(edits, {"try", ":"}); }

constexpr std::array kTypes = {
    EditType{"missing_colon", BugClass::syntax, "the colon that opens a block", "if a\n    b()", "if a:\n    b()", missing_colon},
    EditType{"missing_parenthesis", BugClass::syntax, "a parenthesis", "f(a", "f(a)", missing_parenthesis},
    EditType{"missing_bracket", BugClass::syntax, "a bracket or brace", "x = [a", "x = [a]", missing_bracket},
    EditType{"missing_comma", BugClass::syntax, "a comma between items", "f(a b)", "f(a, b)", missing_comma},
    EditType{"indentation_error", BugClass::syntax, "the same tokens, other indentation", "if a:\nb()", "if a:\n    b()", indentation},
    EditType{"syntax_error", BugClass::syntax, "any other text that does not parse", "x = = 1", "x = 1", any_other},
    EditType{"async_not_awaited", BugClass::async, "a coroutine was called but not awaited", "x = f()", "x = await f()", not_awaited},
    EditType{"shell_injection", BugClass::security, "a shell runs what others wrote", "run(c, shell=True)", "run(c, shell=False)", shell},
    EditType{"unsafe_load", BugClass::security, "objects are made of untrusted text", "yaml.load(t)", "yaml.safe_load(t)", unsafe_load},
    EditType{"certificate_unchecked", BugClass::security, "the other side's certificate is not checked", "get(u, verify=False)",
             "get(u, verify=True)", certificate},
    EditType{"missing_escape", BugClass::security, "text of others goes out as it came", "out(a)", "out(escape(a))", escaping},
    EditType{"bare_except", BugClass::style, "everything is caught", "try:\n    a()\nexcept:\n    b()",
             "try:\n    a()\nexcept OSError:\n    b()", bare_except},
    EditType{"wrong_exception", BugClass::logic, "another exception is caught or raised", "raise KeyError", "raise ValueError", wrong_exception},
    EditType{"off_by_one", BugClass::logic, "one too far or too short", "x = n - 1", "x = n", off_by_one},
    EditType{"wrong_comparison", BugClass::logic, "another comparison", "x = a < b", "x = a <= b", wrong_comparison},
    EditType{"wrong_identity", BugClass::logic, "is or in where == was meant, or the other way", "x = a is b", "x = a == b", identity},
    EditType{"wrong_operator", BugClass::logic, "another operator", "x = a and b", "x = a or b", wrong_operator},
    EditType{"wrong_negation", BugClass::logic, "a not too many or too few", "x = a", "x = not a", negation},
    EditType{"mutable_default", BugClass::logic, "one default object is shared by all calls", "g = lambda a=[]: a", "g = lambda a=None: a",
             mutable_default},
    EditType{"none_check_missing", BugClass::logic, "None was not thought of", "if a.b:\n    c()", "if a is not None and a.b:\n    c()", none_check},
    EditType{"missing_return", BugClass::logic, "the value is made but not returned", "f(a)", "return f(a)", missing_return},
    EditType{"shallow_copy", BugClass::logic, "an object is shared where a copy was meant", "x = a", "x = a.copy()", shallow_copy},
    EditType{"missing_condition", BugClass::logic, "a condition has one term too few", "if a:\n    c()", "if a and b:\n    c()", condition},
    EditType{"missing_guard", BugClass::logic, "a case was not thought of", "a()", "if not b: return\na()", guard},
    EditType{"missing_handler", BugClass::logic, "an exception was not thought of", "a()", "try:\n    a()\nexcept OSError:\n    pass",
             exception_handling},
    EditType{"wrong_attribute", BugClass::logic, "another attribute or method", "x = a.lower()", "x = a.upper()", attribute},
    EditType{"variable_misuse", BugClass::logic, "another name", "x = a + b", "x = a + c", variable},
    EditType{"wrong_literal", BugClass::logic, "another string, number or constant", "f('r')", "f('rb')", literal},
    EditType{"missing_argument", BugClass::logic, "an argument is left out", "f(a)", "f(a, b)", argument},
};

bool is_code(const syntax::Token& token) {
  return token.kind != syntax::TokenKind::comment && token.kind != syntax::TokenKind::newline;
}

struct Code {
  std::vector<syntax::Token> tokens;
  std::vector<bool> documentation;  // a string that is a statement of its own
};

Code code_of(std::string_view text) {
  Code out;
  const auto all = syntax::tokens(text);
  const auto ends_line = [&](std::size_t i) { return i >= all.size() || !is_code(all[i]); };
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!is_code(all[i])) continue;
    out.tokens.push_back(all[i]);
    out.documentation.push_back(all[i].kind == syntax::TokenKind::string && (i == 0 || !is_code(all[i - 1])) && ends_line(i + 1));
  }
  return out;
}

}  // namespace

std::span<const EditType> edit_types() { return kTypes; }

Edits edits_between(std::string_view buggy, std::string_view fixed) {
  const auto a = code_of(buggy), b = code_of(fixed);
  const auto word = [](std::string_view text, const syntax::Token& token) { return text.substr(token.bytes.begin, token.bytes.size()); };
  Edits out;
  bool code_changed = false;
  for (const auto& hunk : syntax::token_difference(buggy, a.tokens, fixed, b.tokens)) {
    auto& edit = out.tokens.emplace_back();
    if (hunk.before_begin > 0) edit.before = word(buggy, a.tokens[hunk.before_begin - 1]);
    if (hunk.before_begin > 1 && edit.before == "=") edit.keyword = word(buggy, a.tokens[hunk.before_begin - 2]);
    for (auto i = hunk.before_begin; i < hunk.before_end; ++i) {
      edit.removed.push_back(word(buggy, a.tokens[i]));
      code_changed = code_changed || !a.documentation[i];
    }
    for (auto i = hunk.after_begin; i < hunk.after_end; ++i) {
      edit.added.push_back(word(fixed, b.tokens[i]));
      code_changed = code_changed || !b.documentation[i];
    }
  }
  out.documentation_only = !out.tokens.empty() && !code_changed;
  return out;
}

Diagnosis diagnose(std::span<const TokenEdit> edits, bool buggy_parses) {
  for (const auto& type : kTypes)
    if ((type.bug_class == BugClass::syntax) != buggy_parses && type.is(edits)) return {type.bug_class, type.name};
  return {};
}

}  // namespace mendel::miner
