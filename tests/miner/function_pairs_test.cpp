// Two versions of a file as pairs of functions.
#include <doctest/doctest.h>

#include <string>

#include "actors/miner/function_pairs.hpp"

using namespace mendel;
using namespace mendel::miner;

namespace {

constexpr std::uint32_t kLines = 10;

FilePairs pairs(const std::string& before, const std::string& after, std::uint32_t lines = kLines) {
  syntax::Parser parser;
  return function_pairs(parser, before, after, {lines, 3});
}

const std::string kClass =
    "import os\n\n\nclass A:\n    def f(self, n):\n        return n < 1\n\n    def g(self):\n        return 2\n\n\ndef h():\n    return 3\n";

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("a changed method is cut out on both sides without its indentation") {
  const auto found = pairs(kClass, replaced(kClass, "n < 1", "n <= 1"));
  REQUIRE(found.pairs.size() == 1);
  CHECK(found.pairs[0].buggy == "def f(self, n):\n    return n < 1");
  CHECK(found.pairs[0].fixed == "def f(self, n):\n    return n <= 1");
  CHECK(found.pairs[0].symbol == "A.f");
  CHECK(found.pairs[0].bug.type == "wrong_comparison");
}

TEST_CASE("each changed function is a pair of its own") {
  const auto found = pairs(kClass, replaced(replaced(kClass, "n < 1", "n <= 1"), "return 3", "return 4"));
  REQUIRE(found.pairs.size() == 2);
  CHECK(found.pairs[1].symbol == "h");
}

TEST_CASE("other words in a message to people are no bug, other words for the program are") {
  const auto change = [](const std::string& from, const std::string& to) { return pairs("def f(x):\n    g(" + from + ")\n", "def f(x):\n    g(" + to + ")\n"); };
  CHECK(std::string(change("'must not hold an dot'", "'must not hold a dot'").reason) == "message_text_only");
  CHECK(std::string(change("'no {x} is here'", "'no such {x} is here',").reason) == "message_text_only");
  CHECK(change("'latin-1'", "'ascii'").pairs.size() == 1);
  CHECK(change("'a file {!r} is gone'", "'a file {0!r} is gone'").pairs.size() == 1);
  CHECK(change("'this is %s for %s'", "'this is %s for %d'").pairs.size() == 1);
  CHECK(change("'one two three'", "'one two four' + x").pairs.size() == 1);
}

TEST_CASE("a fix of more functions than the limit is no fix of one bug") {
  std::string before, after;
  for (const char* name : {"a", "b", "c", "d"}) {
    before += std::string("def ") + name + "():\n    return 1\n\n\n";
    after += std::string("def ") + name + "():\n    return 2\n\n\n";
    const auto found = pairs(before, after);
    if (name[0] == 'd') CHECK(std::string(found.reason) == "too_many_functions");
    else CHECK(found.pairs.size() == static_cast<std::size_t>(name[0] - 'a' + 1));
  }
}

TEST_CASE("a change outside functions refuses the file") {
  for (const char* to : {"import sys", "import os\nimport sys"}) {
    const auto found = pairs(kClass, replaced(kClass, "import os", to));
    CHECK(found.small);
    CHECK_FALSE(found.inside_functions);
    CHECK(std::string(found.reason) == "outside_functions");
  }
}

TEST_CASE("a function that only one side has refuses the file") {
  CHECK(std::string(pairs(kClass, kClass + "\n\ndef new():\n    return 5\n").reason) == "outside_functions");
  CHECK(std::string(pairs(kClass, replaced(kClass, "def g(", "def k(")).reason) == "outside_functions");
}

TEST_CASE("the limit of changed lines is inclusive") {
  const auto after = replaced(kClass, "n < 1", "n <= 1");
  CHECK(pairs(kClass, after, 2).pairs.size() == 1);
  CHECK(std::string(pairs(kClass, after, 1).reason) == "too_many_lines");
}

TEST_CASE("getter and setter of one name are told apart by their order") {
  const std::string text = "class A:\n    @property\n    def x(self):\n        return 1\n\n    @x.setter\n    def x(self, v):\n        self.y = 2\n";
  const auto found = pairs(text, replaced(text, "= 2", "= v"));
  REQUIRE(found.pairs.size() == 1);
  CHECK(found.pairs[0].buggy.find("setter") != std::string::npos);
}

TEST_CASE("changes in a function and in one inside it are one pair") {
  const std::string text = "def f(a):\n    b = 1\n    def g():\n        return 2\n    return g\n";
  CHECK(pairs(text, replaced(text, "return 2", "return 3")).pairs[0].symbol == "f.g");
  const auto both = pairs(text, replaced(replaced(text, "return 2", "return 3"), "b = 1", "b = 2"));
  REQUIRE(both.pairs.size() == 1);
  CHECK(both.pairs[0].symbol == "f");
}

TEST_CASE("a buggy side that does not parse is class syntax, a fixed one is refused") {
  const auto broken = replaced(kClass, "def h():", "def h()");
  const auto found = pairs(broken, kClass);
  if (!found.pairs.empty()) {
    CHECK(found.pairs[0].bug.bug_class == BugClass::syntax);
    CHECK(found.pairs[0].bug.type == "missing_colon");
  }
  CHECK(pairs(kClass, replaced(kClass, "return 3", "return (3")).pairs.empty());
}

TEST_CASE("a buggy side that does not parse reaches as far as the fixed one") {
  const std::string fixed =
      "class A:\n    def f(self, s):\n        if s:\n            return [s]\n        x = g(\n            last)\n        return x\n\n    def g(self):\n        return 2\n\n\n"
      "def h(a):\n    for b in a:\n        print(b)\n    return a\n";
  struct Slip {
    const char *right, *wrong, *symbol, *type;
  };
  for (const auto& slip : {Slip{"def f(self, s):", "def f(self, s)", "A.f", "missing_colon"}, Slip{"if s:", "if s", "A.f", "missing_colon"},
                           Slip{"last)", "last", "A.f", "missing_parenthesis"}, Slip{"return [s]", "return [s", "A.f", "missing_bracket"},
                           Slip{"for b in a:", "for b in a", "h", "missing_colon"}, Slip{"print(b)", "print('b)", "h", ""}}) {
    CAPTURE(slip.wrong);
    const auto found = pairs(replaced(fixed, slip.right, slip.wrong), fixed);
    REQUIRE(found.pairs.size() == 1);
    const auto& pair = found.pairs[0];
    CHECK(pair.symbol == slip.symbol);
    CHECK(pair.bug.bug_class == BugClass::syntax);
    if (*slip.type != '\0') CHECK(pair.bug.type == slip.type);
    CHECK(replaced(pair.buggy, slip.wrong, slip.right) == pair.fixed);
  }
}

TEST_CASE("comments, docstrings and blank lines alone give a reason, not a pair") {
  const std::string text = "def f():\n    \"a\"\n    return 1  # b\n";
  CHECK(std::string(pairs(text, replaced(text, "# b", "# c")).reason) == "comments_only");
  CHECK(std::string(pairs(text, replaced(text, "\"a\"", "\"c\"")).reason) == "documentation_only");
  CHECK(std::string(pairs(text, replaced(text, "    return", "\n    return")).reason) == "blank_lines_only");
}

TEST_CASE("the same program written otherwise gives a reason, a statement in another block a pair") {
  const std::string text = "def f(a):\n    for b in a:\n        g(b)\n        h(b)\n    raise X\n";
  CHECK(std::string(pairs(text, replaced(text, "raise X", "raise X from None")).reason) == "same_program");
  const auto moved = pairs(text, replaced(text, "        h(b)", "    h(b)"));
  REQUIRE(moved.pairs.size() == 1);
  CHECK(moved.pairs[0].bug.type == "wrong_block");
}

TEST_CASE("a change after much code and after docstrings with code finds its function") {
  std::string text = "X = '''\ndef fake():\n    pass\n'''\n\n";
  for (int i = 0; i < 200; ++i) text += "def f" + std::to_string(i) + "(a):\n    '''\ndef q():\n'''\n    return a + " + std::to_string(i) + "\n\n\n";
  const auto found = pairs(text, replaced(text, "a + 150", "a - 150"));
  REQUIRE(found.pairs.size() == 1);
  CHECK(found.pairs[0].symbol == "f150");
  CHECK(found.pairs[0].buggy == "def f150(a):\n    '''\ndef q():\n'''\n    return a + 150");
  CHECK(std::string(pairs(text, replaced(text, "    pass", "    go()")).reason) == "outside_functions");
}

TEST_CASE("bad text is a reason") {
  CHECK(std::string(pairs(std::string("a\0b", 3), "c").reason) == "not_text");
  CHECK(std::string(pairs("a", "\xC0\x80").reason) == "not_text");
  CHECK(std::string(pairs("", std::string(200'000, '-')).reason) == "outside_functions");
  const std::string crlf = "def f(a):\r\n    return a\r\n";
  CHECK(pairs(crlf, replaced(crlf, "return a", "return -a")).pairs.size() == 1);
}
