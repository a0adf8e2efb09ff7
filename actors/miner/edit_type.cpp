// The rows for code that runs and does something else, from narrow to wide, and how edits are found. The first
// row that fits wins: syntax apart, then what certain words tell, then these.
#include "actors/miner/edit_type.hpp"

#include <algorithm>
#include <charconv>

#include "actors/miner/annotations.hpp"
#include "actors/miner/edit_words.hpp"
#include "actors/syntax/tokens.hpp"

namespace mendel::miner {
namespace {

constexpr std::string_view kOperators[] = {"+", "-", "*", "/", "//", "%", "**", "@", "&", "|", "^", "<<", ">>",
                                           "+=", "-=", "*=", "/=", "//=", "%=", "&=", "|=", "^=", "="};

bool exchanges_one_of(AllEdits edits, Words words) {
  return single(edits, 1, 1) && in(edits[0].removed[0], words) && in(edits[0].added[0], words);
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
bool and_or_swap(AllEdits edits) { return exchanges(edits, {"and"}, {"or"}) || exchanges(edits, {"or"}, {"and"}); }

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

bool exception_handling(AllEdits edits) { return adds_any(edits, {"try", ":"}) || (only_one_adds(edits) && adds_any(edits, {"except"})); }

bool lost_accumulation(AllEdits edits) { return single(edits, 1, 1) && edits[0].removed[0] == "=" && in(edits[0].added[0], {"+=", "|=", "*=", "-="}); }

bool truthy_alternative(AllEdits edits) { return only_one_adds(edits) && edits[0].before == "or" && in(edits[0].added.back(), {"==", "in", "!="}); }

bool membership(AllEdits edits) {
  const bool turned = edits.size() == 1 && edits[0].after == "in" && (exchanges(edits, {"not"}, {}) || exchanges(edits, {}, {"not"}));
  return turned || exchanges(edits, {"not", "in"}, {"in"}) || exchanges(edits, {"=="}, {"in"}) || exchanges(edits, {"!="}, {"not", "in"});
}

bool branch(AllEdits edits) { return only_one_adds(edits) && in(edits[0].added[0], {"elif", "else"}) && holds(edits[0].added, ":"); }
bool raising(AllEdits edits) { return exchanges(edits, {}, {"raise"}); }
bool return_value(AllEdits edits) { return only_one_adds(edits) && edits[0].before == "return" && !edits[0].whole_statements && !in(edits[0].after, {"(", ".", "and", "or", "not"}); }
bool declaration(AllEdits edits) { return only_one_adds(edits) && in(edits[0].added[0], {"global", "nonlocal"}); }
bool jump(AllEdits edits) {
  return edits.size() == 1 && (are(edits[0].added, {"break"}) || are(edits[0].added, {"continue"})) && (edits[0].removed.empty() || are(edits[0].removed, {"pass"}));
}
bool break_continue(AllEdits edits) { return exchanges(edits, {"break"}, {"continue"}) || exchanges(edits, {"continue"}, {"break"}); }
bool super_call(AllEdits edits) { return only_one_adds(edits) && edits[0].whole_statements && (edits[0].added[0] == "super" || holds(edits[0].added, {".", "__init__", "("})); }
bool default_value(AllEdits edits) { return adds_any(edits, {".", "get", "("}) && removes_any(edits, {"["}); }
bool binding(AllEdits edits) {
  if (!only_one_adds(edits)) return false;
  const auto& words = edits[0].added;
  for (std::size_t i = 0; i + 2 < words.size(); ++i)
    if (is_name(words[i]) && words[i + 1] == "=" && words[i] == words[i + 2]) return words.size() <= 4;
  return false;
}
bool inplace(AllEdits edits) {
  const bool sorted = removes_any(edits, {"sort"}) && adds_any(edits, {"sorted"});
  return sorted || (only_one_removes(edits) && assigns_itself(edits[0], edits[0].removed));
}
bool yielding(AllEdits edits) { return exchanges(edits, {"return"}, {"yield"}); }
bool assert_tuple(AllEdits edits) { return edits.size() == 2 && edits[0].before == "assert" && only_removes(edits, {"(", ")"}); }
bool self(AllEdits edits) { return exchanges(edits, {}, {"self", "."}); }
bool call_parentheses(AllEdits edits) { return exchanges(edits, {}, {"(", ")"}); }

bool conversion(AllEdits edits) {
  const bool around = edits.size() == 2 && edits[0].removed.empty() && edits[1].removed.empty() && edits[0].added.size() == 2 && is_name(edits[0].added[0]) &&
                      edits[0].added[1] == "(" && are(edits[1].added, {")"});
  const auto& first = edits.empty() ? TokenEdit() : edits[0];
  return around || (only_one_adds(edits) && first.added.size() == 4 && first.added[0] == "." && first.added[2] == "(" && first.added[3] == ")");
}

bool wrong_slice(AllEdits edits) { return moves_any(edits, {":"}); }

bool swapped_ternary(AllEdits edits) {
  return edits.size() == 2 && moves(edits) && edits[0].after == "if" && edits[1].before == "else";
}

bool argument_swap(AllEdits edits) {
  const bool around = edits.size() == 2 && moves(edits) && edits[0].after == ",";
  return around || (moves_any(edits, {","}) && edits.size() == 2);
}

bool order(AllEdits edits) { return edits.size() >= 2 && edits.size() <= 4 && moves(edits); }

bool function(AllEdits edits) {
  static constexpr std::string_view kBuiltins[] = {"min", "max", "any", "all", "int", "float", "str", "repr", "sum", "len", "enumerate", "zip", "round", "issubclass",
                                                   "isinstance", "getattr", "hasattr", "ord", "chr", "sorted", "reversed", "list", "tuple", "bytes", "set", "dict"};
  return single(edits, 1, 1) && in(edits[0].removed[0], kBuiltins) && in(edits[0].added[0], kBuiltins);
}

bool missing_call(AllEdits edits) {
  return only_one_adds(edits) && edits[0].whole_statements && is_name(edits[0].added[0]) && edits[0].added.back() == ")" && edits[0].added.size() > 2 &&
         in(edits[0].added[1], {".", "("});
}
bool missing_assignment(AllEdits edits) { return only_one_adds(edits) && edits[0].whole_statements && is_name(edits[0].added[0]) && holds(edits[0].added, "="); }

constexpr auto kClass = BugClass::logic;
constexpr EditType kRows[] = {
    {"wrong_exception", kClass, "another exception is caught or raised", "raise KeyError", "raise ValueError", wrong_exception},
    {"off_by_one", kClass, "one too far or too short", "x = n - 1", "x = n", off_by_one},
    {"wrong_comparison", kClass, "another comparison", "x = a < b", "x = a <= b", wrong_comparison},
    {"wrong_membership", kClass, "a member asked for in another way", "x = a not in b", "x = a in b", membership},
    {"wrong_identity", kClass, "is or in where == was meant, or the other way", "x = a is b", "x = a == b", identity},
    {"lost_accumulation", kClass, "overwritten instead of added up", "x = a", "x += a", lost_accumulation},
    {"wrong_operator", kClass, "another operator", "x = a + b", "x = a - b", wrong_operator},
    {"and_or_swap", kClass, "conditions joined by the other word", "x = a and b", "x = a or b", and_or_swap},
    {"none_check_missing", kClass, "None was not thought of", "if a.b:\n    c()", "if a is not None and a.b:\n    c()", none_check},
    {"wrong_negation", kClass, "a not too many or too few", "x = a", "x = not a", negation},
    {"mutable_default", kClass, "one default object is shared by all calls", "g = lambda a=[]: a", "g = lambda a=None: a", mutable_default},
    {"missing_self", kClass, "self is left out", "a()", "self.a()", self},
    {"missing_return", kClass, "the value is made but not returned", "f(a)", "return f(a)", missing_return},
    {"return_none", kClass, "nothing is returned", "return", "return a + 1", return_value},
    {"shallow_copy", kClass, "an object is shared where a copy was meant", "x = a", "x = a.copy()", shallow_copy},
    {"truthy_alternative", kClass, "an alternative that is not compared", "x = a == b or c", "x = a == b or a == c", truthy_alternative},
    {"missing_condition", kClass, "a condition has one term too few", "if a:\n    c()", "if a and b:\n    c()", condition},
    {"missing_guard", kClass, "a case was not thought of", "a()", "if not b: return\na()", guard},
    {"missing_branch", kClass, "a branch is left out", "if a: b()", "if a: b()\nelse: c()", branch},
    {"missing_handler", kClass, "an exception was not thought of", "a()", "try:\n    a()\nexcept OSError:\n    pass", exception_handling},
    {"missing_raise", kClass, "the exception is not raised", "E(a)", "raise E(a)", raising},
    {"missing_global", kClass, "an outer name is not declared", "a = 1", "global a\na = 1", declaration},
    {"missing_jump", kClass, "break or continue is left out", "for a in b:\n    c()", "for a in b:\n    c()\n    break", jump},
    {"break_continue", kClass, "break for continue or the other way", "for a in b: break", "for a in b: continue", break_continue},
    {"missing_super_call", kClass, "the overridden method is not called", "self.a = 1", "super().__init__()\nself.a = 1", super_call},
    {"missing_default", kClass, "a key taken for granted", "x = a['b']", "x = a.get('b')", default_value},
    {"late_binding", kClass, "a closure sees the last value", "x = lambda y: y + z", "x = lambda y, z=z: y + z", binding},
    {"inplace_result", kClass, "the None of a method is used", "x = a.sort()", "x = sorted(a)", inplace},
    {"return_for_yield", kClass, "return where yield is meant", "return a", "yield a", yielding},
    {"assert_on_tuple", kClass, "an assert that is always true", "assert (a, b)", "assert a, b", assert_tuple},
    {"missing_call_parentheses", kClass, "a method is named, not called", "x = a.b", "x = a.b()", call_parentheses},
    {"wrong_attribute", kClass, "another attribute or method", "x = a.lower()", "x = a.upper()", attribute},
    {"wrong_function", kClass, "another builtin", "x = min(a)", "x = max(a)", function},
    {"variable_misuse", kClass, "another name", "x = a + b", "x = a + c", variable},
    {"wrong_literal", kClass, "another string, number or constant", "f('r')", "f('rb')", literal},
    {"missing_conversion", kClass, "a value is not converted", "x = a", "x = int(a)", conversion},
    {"wrong_slice", kClass, "the other part of a slice", "x = a[:1]", "x = a[1:]", wrong_slice},
    {"swapped_ternary", kClass, "the other value of a conditional", "x = b if c else a", "x = a if c else b", swapped_ternary},
    {"argument_swap", kClass, "arguments in the wrong order", "f(b, a)", "f(a, b)", argument_swap},
    {"statement_order", kClass, "steps in the wrong order", "c = b(c)\na.d()", "a.d()\nc = b(c)", order},
    {"missing_argument", kClass, "an argument is left out", "f(a)", "f(a, b)", argument},
    {"missing_call", kClass, "a step is left out", "a = 1", "a = 1\nb.c()", missing_call},
    {"missing_assignment", kClass, "a value is not kept", "a()", "self.b = 1\na()", missing_assignment},
};

bool is_code(const syntax::Token& token) {
  return token.kind != syntax::TokenKind::comment && token.kind != syntax::TokenKind::newline;
}

struct Code {
  std::vector<syntax::Token> tokens;
  std::vector<bool> documentation;  // a string that is a statement of its own
  std::vector<bool> starts, ends;  // first and last token of a line
};

Code code_of(std::string_view text) {
  Code out;
  const auto all = syntax::tokens(text);
  const auto ends_line = [&](std::size_t i) { return i >= all.size() || !is_code(all[i]); };
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!is_code(all[i])) continue;
    out.tokens.push_back(all[i]);
    out.starts.push_back(i == 0 || !is_code(all[i - 1]));
    out.ends.push_back(ends_line(i + 1));
    out.documentation.push_back(all[i].kind == syntax::TokenKind::string && (i == 0 || !is_code(all[i - 1])) && ends_line(i + 1));
  }
  return out;
}

}  // namespace

std::span<const EditType> edit_types() {
  static const std::vector<EditType> kAll = [] {
    std::vector<EditType> out;
    for (const auto rows : {syntax_edit_types(), practice_edit_types(), std::span<const EditType>(kRows)}) out.insert(out.end(), rows.begin(), rows.end());
    return out;
  }();
  return kAll;
}

Edits edits_between(std::string_view buggy, std::string_view fixed) {
  const auto a = code_of(buggy), b = code_of(fixed);
  const auto word = [](std::string_view text, const syntax::Token& token) { return text.substr(token.bytes.begin, token.bytes.size()); };
  Edits out;
  bool code_changed = false;
  for (const auto& hunk : syntax::token_difference(buggy, a.tokens, fixed, b.tokens)) {
    auto& edit = out.tokens.emplace_back();
    if (hunk.before_begin > 0) edit.before = word(buggy, a.tokens[hunk.before_begin - 1]);
    if (hunk.before_begin > 1 && edit.before == "=") edit.keyword = word(buggy, a.tokens[hunk.before_begin - 2]);
    if (hunk.after_end < b.tokens.size()) edit.after = word(fixed, b.tokens[hunk.after_end]);
    edit.whole_statements = hunk.after_begin < hunk.after_end && b.starts[hunk.after_begin] && b.ends[hunk.after_end - 1];
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
  out.blocks = out.tokens.empty() && what_runs(buggy) != what_runs(fixed);
  return out;
}

namespace {

// Null: none.
const EditType* row_of(std::span<const TokenEdit> edits, bool buggy_parses) {
  for (const auto& type : edit_types())
    if ((type.bug_class == BugClass::syntax) != buggy_parses && type.is(edits)) return &type;
  return nullptr;
}

}  // namespace

Diagnosis diagnose(const Edits& found, bool buggy_parses) {
  if (found.blocks && buggy_parses) return {BugClass::logic, "wrong_block"};
  const std::span<const TokenEdit> edits = found.tokens;
  const auto* row = row_of(edits, buggy_parses);
  const bool unknown = row == nullptr || std::string_view(row->name) == syntax_edit_types().back().name;
  if (unknown && edits.size() > 1) {  // the same slip in several places?
    const auto* first = row_of(edits.first(1), buggy_parses);
    if (first != nullptr && std::all_of(edits.begin() + 1, edits.end(), [&](const TokenEdit& edit) { return row_of({&edit, 1}, buggy_parses) == first; })) row = first;
  }
  return row == nullptr ? Diagnosis() : Diagnosis{row->bug_class, row->name};
}

}  // namespace mendel::miner
