// Rows for code that does not parse, from narrow to wide.
#include "actors/miner/edit_words.hpp"

namespace mendel::miner {
namespace {

bool is_closer(std::string_view word) { return in(word, {")", "]", "}"}); }

bool unclosed_string(AllEdits edits) {
  return std::any_of(edits.begin(), edits.end(), [](const TokenEdit& edit) {
    return std::any_of(edit.removed.begin(), edit.removed.end(), [](std::string_view word) {
      const auto quote = word.find_first_of("'\"");
      return quote != std::string_view::npos && quote <= 2 && (word.size() == quote + 1 || word.back() != word[quote]);
    });
  });
}

bool illegal_comment(AllEdits edits) { return only_one_removes(edits) && edits[0].removed[0] == "//"; }
bool assignment_for_comparison(AllEdits edits) { return exchanges(edits, {"="}, {"=="}); }

bool python2_print(AllEdits edits) {
  return edits.size() == 2 && edits[0].before == "print" && are(edits[0].added, {"("}) && edits[0].removed.empty() && are(edits[1].added, {")"});
}
bool python2_except(AllEdits edits) { return exchanges(edits, {","}, {"as"}); }

bool python2_syntax(AllEdits edits) {
  const bool unequal = edits.size() == 1 && are(edits[0].added, {"!="}) && (are(edits[0].removed, {"<", ">"}) || are(edits[0].removed, {"<>"}));
  const bool octal = single(edits, 1, 1) && edits[0].added[0].starts_with("0o") && is_number(edits[0].removed[0]);
  const bool raised = edits.size() == 2 && are(edits[0].removed, {","}) && are(edits[0].added, {"("}) && are(edits[1].added, {")"});
  return unequal || octal || raised;
}

bool else_if(AllEdits edits) { return exchanges(edits, {"else", "if"}, {"elif"}); }

bool foreign_operator(AllEdits edits) {
  if (edits.empty()) return false;
  return std::all_of(edits.begin(), edits.end(), [](const TokenEdit& edit) {
    const bool word = edit.added.size() == 1 && in(edit.added[0], {"and", "or", "not"});
    const bool step = edit.added.size() == 2 && in(edit.added[0], {"+=", "-="}) && edit.added[1] == "1";
    const bool signs = !edit.removed.empty() && std::all_of(edit.removed.begin(), edit.removed.end(), [](auto w) { return w.find_first_not_of("&|!+-") == std::string_view::npos; });
    return (word || step) && signs;
  });
}

bool misspelt_keyword(AllEdits edits) { return single(edits, 1, 1) && syntax::is_keyword(edits[0].added[0]) && is_name(edits[0].removed[0]); }
bool missing_keyword(AllEdits edits) { return single(edits, 0, 1) && in(edits[0].added[0], {"in", "is", "def"}); }
bool positional_after_keyword(AllEdits edits) { return moves_any(edits, {","}); }
bool wrong_punctuation(AllEdits edits) { return single(edits, 1, 1) && edits[0].removed[0] == ";" && in(edits[0].added[0], {":", ","}); }
bool mismatched_closer(AllEdits edits) { return single(edits, 1, 1) && is_closer(edits[0].removed[0]) && is_closer(edits[0].added[0]); }
bool extra_closer(AllEdits edits) { return only_removes(edits, {")", "]", "}"}); }
bool missing_colon(AllEdits edits) { return only_adds(edits, {":"}); }
bool missing_parenthesis(AllEdits edits) { return only_adds(edits, {"(", ")"}); }
bool missing_bracket(AllEdits edits) { return only_adds(edits, {"[", "]", "{", "}"}); }
bool missing_comma(AllEdits edits) { return only_adds(edits, {","}); }
bool indentation(AllEdits edits) { return edits.empty(); }
bool any_other(AllEdits) { return true; }

constexpr auto kClass = BugClass::syntax;
constexpr EditType kRows[] = {
    {"python2_print", kClass, "print without parentheses", "print a", "print(a)", python2_print},
    {"python2_except", kClass, "an exception named behind a comma", "try:\n    a()\nexcept E, e:\n    b()", "try:\n    a()\nexcept E as e:\n    b()", python2_except},
    {"python2_syntax", kClass, "other Python 2: <>, octal numbers, raise with a comma", "x = a <> b", "x = a != b", python2_syntax},
    {"missing_colon", kClass, "the colon that opens a block", "if a\n    b()", "if a:\n    b()", missing_colon},
    {"missing_parenthesis", kClass, "a parenthesis", "f(a", "f(a)", missing_parenthesis},
    {"missing_bracket", kClass, "a bracket or brace", "x = [a", "x = [a]", missing_bracket},
    {"missing_comma", kClass, "a comma between items", "f(a b)", "f(a, b)", missing_comma},
    {"extra_closer", kClass, "a bracket closed once too often", "f(a))", "f(a)", extra_closer},
    {"mismatched_closer", kClass, "a bracket closed by another kind", "f(a]", "f(a)", mismatched_closer},
    {"unclosed_string", kClass, "a text without its last quote", "f('a)", "f('a')", unclosed_string},
    {"illegal_comment", kClass, "a comment behind //", "// as it is\na()", "# as it is\na()", illegal_comment},
    {"assignment_for_comparison", kClass, "= where == is meant", "if a = b: c()", "if a == b: c()", assignment_for_comparison},
    {"else_if", kClass, "elif written as two words", "if a: b()\nelse if c: d()", "if a: b()\nelif c: d()", else_if},
    {"foreign_operator", kClass, "an operator of another language", "x = a && b", "x = a and b", foreign_operator},
    {"misspelt_keyword", kClass, "a keyword mistyped", "retrun a", "return a", misspelt_keyword},
    {"missing_keyword", kClass, "a keyword left out", "for a b: c()", "for a in b: c()", missing_keyword},
    {"wrong_punctuation", kClass, "a semicolon for a colon or comma", "if a; b()", "if a: b()", wrong_punctuation},
    {"positional_after_keyword", kClass, "arguments in an order that is not allowed", "f(a=1, b)", "f(b, a=1)", positional_after_keyword},
    {"indentation_error", kClass, "the same tokens, other indentation", "if a:\nb()", "if a:\n    b()", indentation},
    {"syntax_error", kClass, "any other text that does not parse", "x = = 1", "x = 1", any_other},
};

}  // namespace

std::span<const EditType> syntax_edit_types() { return kRows; }

}  // namespace mendel::miner
