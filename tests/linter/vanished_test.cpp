// Which part of a change makes a diagnostic disappear: real linters on small files.
#include <doctest/doctest.h>

#include <string>

#include "actors/linter/vanished.hpp"

using namespace mendel;
using namespace mendel::linter;

namespace {

mendel::FileChange change_of(const std::string& before, const std::string& after) {
  mendel::FileChange out;
  out.set_before(before);
  out.set_after(after);
  out.mutable_source()->set_path("a.py");
  return out;
}

VanishedFixes found_in(const FileChanges& changes, std::initializer_list<const char*> tools = {"ruff", "mypy"}) {
  const auto rows = lint_tools_named(std::vector<std::string>(tools.begin(), tools.end()));
  REQUIRE(rows);
  auto linters = Linters::start(*rows, Config());
  REQUIRE(linters);
  syntax::Parser parser;
  auto found = vanished_fixes(*linters, parser, changes);
  REQUIRE(found);
  return *std::move(found);
}

VanishedFixes found_in(const std::string& before, const std::string& after) {
  FileChanges changes;
  *changes.add_changes() = change_of(before, after);
  return found_in(changes);
}

}  // namespace

TEST_CASE("a change is cut down to the hunk that the diagnostic asked for") {
  const std::string before = "def f(a: int) -> str:\n    b = a + 1\n    print(b)\n    c = b\n    return c\n";
  const std::string after = "def f(a: int) -> str:\n    b = a + 2\n    print(b)\n    c = str(b)\n    return c\n";
  const auto found = found_in(before, after);
  REQUIRE(found.fixes.size() == 1);
  const auto& fix = found.fixes[0];
  CHECK(fix.tool == "mypy");
  CHECK(std::string(fix.rule->rule) == "return-value");
  CHECK(fix.symbol == "f");
  CHECK(fix.buggy == "def f(a: int) -> str:\n    b = a + 1\n    print(b)\n    c = b\n    return c");
  CHECK(fix.fixed == "def f(a: int) -> str:\n    b = a + 1\n    print(b)\n    c = str(b)\n    return c");
  CHECK(found.vanished == 1);
  CHECK(found.probes == 2);
}

TEST_CASE("hunks that only do it together are taken together") {
  const std::string before = "def f(a):\n    x = []\n    print(a)\n    if x == None:\n        return 1\n    print(a)\n    return not a in x\n";
  const std::string after = "def f(a):\n    x = {}\n    print(a)\n    if x is None:\n        return 1\n    print(a)\n    return a not in x\n";
  const auto found = found_in(before, after);
  REQUIRE(found.fixes.size() == 2);
  CHECK(std::string(found.fixes[0].rule->rule) == "E711");
  CHECK(found.fixes[0].fixed.find("is None") != std::string::npos);
  CHECK(found.fixes[0].fixed.find("not a in x") != std::string::npos);
  CHECK(found.fixes[0].fixed.find("x = []") != std::string::npos);
  CHECK(std::string(found.fixes[1].rule->rule) == "E713");
  const auto both = found_in("def f(a) -> int:\n    b = '1'\n    print(a)\n    return b\n", "def f(a) -> int:\n    c = 1\n    print(a)\n    return c\n");
  REQUIRE(both.fixes.size() == 1);
  CHECK(both.fixes[0].fixed == "def f(a) -> int:\n    c = 1\n    print(a)\n    return c");
}

TEST_CASE("a change that trades one diagnostic for another is no repair") {
  const auto found = found_in("def f(a):\n    return not a in a\n", "def f(a):\n    return a == None\n");
  CHECK(found.vanished == 1);
  CHECK(found.fixes.empty());
}

TEST_CASE("what did not parse, or a function that is gone, gives nothing") {
  CHECK(found_in("def f(:\n", "def f(a):\n    return 1\n").fixes.empty());
  CHECK(found_in("def f(a):\n    return not a in a\n", "def g(a):\n    return a not in a\n").fixes.empty());
  CHECK(found_in(FileChanges(), {"ruff"}).fixes.empty());
}

TEST_CASE("a pair does not depend on what else is looked at") {
  const auto one = change_of("def f(a, b):\n    return not a in b\n", "def f(a, b):\n    return a not in b\n");
  FileChanges alone, several;
  *alone.add_changes() = one;
  *several.add_changes() = change_of("x = 1\n", "x = 2\n");
  *several.add_changes() = one;
  const auto first = found_in(alone), second = found_in(several);
  REQUIRE(first.fixes.size() == 1);
  REQUIRE(second.fixes.size() == 1);
  CHECK(first.fixes[0].fixed == second.fixes[0].fixed);
  CHECK(second.fixes[0].change == 1);
}
