// Every row of the bug-type table on its own example.
#include <doctest/doctest.h>

#include <set>
#include <string>

#include "actors/miner/edit_type.hpp"
#include "actors/mutator/operators.hpp"
#include "actors/syntax/tree.hpp"

using namespace mendel;
using namespace mendel::miner;

TEST_CASE("every row recognises its own example") {
  syntax::Parser parser;
  for (const auto& type : edit_types()) {
    CAPTURE(std::string(type.name));
    const std::string buggy = type.example_buggy, fixed = type.example_fixed;
    const auto tree = parser.parse(buggy);
    REQUIRE(tree);
    const auto edits = edits_between(buggy, fixed);
    const auto diagnosis = diagnose(edits, type.bug_class != BugClass::syntax);
    CHECK(diagnosis.type == type.name);
    CHECK(diagnosis.bug_class == type.bug_class);
    if (type.bug_class != BugClass::syntax) CHECK_FALSE(tree->has_error());
  }
}

TEST_CASE("bugs that the operators make are told by their repair") {
  // What the repair alone does not tell: white space, or an edit that another kind makes as well.
  static const std::set<std::string_view> kAmbiguous = {"tab_space_mix", "early_return", "none_check_missing", "missing_timeout", "path_traversal"};
  std::set<std::string_view> known = {"wrong_block"};  // no token tells it
  for (const auto& type : edit_types()) CHECK(known.insert(type.name).second);
  for (const auto& row : mutator::operators()) {
    CAPTURE(std::string(row.name));
    const std::string buggy = row.after, fixed = row.before;
    const auto edits = edits_between(buggy, fixed);
    const auto diagnosis = diagnose(edits, row.bug_class != mutator::OperatorClass::syntax);
    if (!kAmbiguous.contains(row.name)) CHECK(diagnosis.type == row.name);
    if (!kAmbiguous.contains(row.name)) CHECK(known.contains(row.name));
  }
}

TEST_CASE("every type that a repair is told by has an operator that makes it") {
  static const std::set<std::string_view> kMadeByNone = {"syntax_error"};  // any other
  CHECK(mutator::find_operator("wrong_block") != nullptr);
  for (const auto& type : edit_types()) {
    CAPTURE(std::string(type.name));
    CHECK((mutator::find_operator(type.name) == nullptr) == kMadeByNone.contains(type.name));
  }
}

TEST_CASE("a handler that is put in is an exception that was not thought of") {
  const auto type = [](const char* buggy, const char* fixed) { return diagnose(edits_between(buggy, fixed), true).type; };
  CHECK(type("try:\n    a()\nexcept A:\n    b()", "try:\n    a()\nexcept A:\n    b()\nexcept C:\n    d()") == "missing_handler");
  CHECK(type("try:\n    a()\nfinally:\n    b()", "try:\n    a()\nexcept C:\n    d()\nfinally:\n    b()") == "missing_handler");
}

TEST_CASE("the same slip in several places has the type of each") {
  const auto type = [](const char* buggy, const char* fixed, bool parses) { return diagnose(edits_between(buggy, fixed), parses).type; };
  CHECK(type("if a = b: c()\nif d = e: f()", "if a == b: c()\nif d == e: f()", false) == "assignment_for_comparison");
  CHECK(type("x = n - 1\ny = m - 1", "x = n\ny = m", true) == "off_by_one");
  CHECK(type("x = n - 1\ny = m < 2", "x = n\ny = m <= 2", true) == "other");
  CHECK(type("if a = b: c(]", "if a == b: c()", false) == "syntax_error");
}

TEST_CASE("what no row knows is logic, other") {
  const auto edits = edits_between("x = a.b(c)\ny = 1", "z = q[1:2]\nfor y in z: pass");
  const auto diagnosis = diagnose(edits, true);
  CHECK(diagnosis.type == "other");
  CHECK(diagnosis.bug_class == BugClass::logic);
}

TEST_CASE("comments, white space and docstrings are no edit of code") {
  CHECK(edits_between("x = 1  # a", "x  =  1  # b").tokens.empty());
  CHECK_FALSE(edits_between("if a:\n  x = 1  # a", "if a:\n    x  =  1  # b").blocks);
  CHECK(edits_between("def f():\n    'a'\n    g()", "def f():\n    'b'\n    g()").documentation_only);
  CHECK_FALSE(edits_between("def f():\n    g('a')", "def f():\n    g('b')").documentation_only);
}

TEST_CASE("a statement in the wrong block is a bug though no token differs") {
  const auto edits = edits_between("def f(a):\n    for b in a:\n        g(b)\n        return a", "def f(a):\n    for b in a:\n        g(b)\n    return a");
  CHECK(edits.tokens.empty());
  CHECK(edits.blocks);
  CHECK(diagnose(edits, true).type == "wrong_block");
  CHECK(diagnose(edits, true).bug_class == BugClass::logic);
}
