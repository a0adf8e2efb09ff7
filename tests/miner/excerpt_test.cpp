// Statements without a parse, and that a change parsed within its excerpt gives what the whole file gives.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "actors/miner/excerpt.hpp"
#include "actors/syntax/tree.hpp"

using namespace mendel;
using namespace mendel::miner;

namespace {

std::vector<std::uint32_t> at_edge(std::string_view text) {
  std::vector<std::uint32_t> out;
  for (const auto& line : statement_lines(text))
    if (line.indent == 0) out.push_back(line.line);
  return out;
}

using Numbers = std::vector<std::uint32_t>;

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

Excerpt excerpt(const std::string& before, const std::string& after) {
  const auto hunks = syntax::line_difference(before, after);
  REQUIRE_FALSE(hunks.empty());
  return excerpt_around(before, after, hunks);
}

const std::string kFile =
    "import os\n@a\n@b\ndef f():\n    return 1\n\n\nclass C(Base):\n    \"\"\"Doc\n    def no\n    \"\"\"\n    x = [\n        1]\n\n    @property\n    def p(self):\n        return 2\n\n"
    "    def q(self):\n        def inner():\n            return 3\n        return inner\n\n    def r(self):\n        return 4\n\n\n@c\ndef h():\n    return 5\n";

}  // namespace

TEST_CASE("statements start outside strings, brackets and continued lines") {
  CHECK(at_edge("import os\n\n# c\ndef f():\n    return 1\nx = (\n1\n)\ny = 2\n") == Numbers{0, 3, 5, 8});
  CHECK(at_edge("x = \"\"\"\ndef f\n\"\"\"\ny = 'a\\\nb'\nz = 1 + \\\n2\nw = 3\n") == Numbers{0, 3, 5, 7});
  CHECK(at_edge("s = 'it\\'s' # '''\nt = r'''\\'''\nu\n") == Numbers{0, 1});
}

TEST_CASE("clauses belong to the statement before") {
  CHECK(at_edge("try:\n  a\nexcept E:\n  b\nelse:\n  c\nfinally:\n  d\nelse_ = 1\n") == Numbers{0, 8});
}

TEST_CASE("any bytes give lines in order and no crash") {
  for (const std::string& text : {std::string(), std::string("\n"), std::string("\\"), std::string("'''"), std::string(")))\nx"), std::string(100000, '('),
                                  std::string("x\0\xFF\ny", 6), std::string("\"\\"), std::string("'\\\n"), std::string("   "), std::string("\t\f")}) {
    const auto lines = statement_lines(text);
    CHECK(std::is_sorted(lines.begin(), lines.end(), [](const auto& a, const auto& b) { return a.line < b.line; }));
  }
}

TEST_CASE("a change in a function takes that function with its decorators") {
  const auto cut = excerpt(kFile, replaced(kFile, "return 1", "return -1"));
  CHECK(cut.before == "@a\n@b\ndef f():\n    return 1\n\n\n");
  CHECK(cut.after == "@a\n@b\ndef f():\n    return -1\n\n\n");
  CHECK(cut.lines_gone == 1);
}

TEST_CASE("a change in a method takes the head of its class and that method") {
  const auto cut = excerpt(kFile, replaced(kFile, "return 3", "return -3"));
  CHECK(cut.before == "class C(Base):\n    def q(self):\n        def inner():\n            return 3\n        return inner\n\n");
  CHECK(cut.lines_gone == 17);
  CHECK(excerpt(kFile, replaced(kFile, "return 2", "return -2")).before == "class C(Base):\n    @property\n    def p(self):\n        return 2\n\n");
}

TEST_CASE("a change of the head of a class or between statements takes all that it borders on") {
  CHECK(excerpt(kFile, replaced(kFile, "(Base)", "(Other)")).before.find("def r(self)") != std::string::npos);
  const auto between = excerpt(kFile, replaced(kFile, "\n@c\n", "\ny = 1\n@c\n"));
  CHECK(between.before.find("def r(self)") != std::string::npos);
  CHECK(between.before.find("return 5") != std::string::npos);
}

TEST_CASE("for every line that changes, functions and symbols are those of the whole file") {
  syntax::Parser parser;
  std::size_t cut_short = 0;
  for (std::size_t at = 0; at < kFile.size(); at = kFile.find('\n', at) + 1) {
    auto after = kFile;
    after.insert(std::min(kFile.find('\n', at), kFile.size()), " # changed");
    const auto hunks = syntax::line_difference(kFile, after);
    const auto cut = excerpt_around(kFile, after, hunks);
    cut_short += cut.after.size() < after.size() ? 1 : 0;
    const auto whole_tree = parser.parse(after);
    const auto whole = syntax::functions(*whole_tree);
    const auto part_tree = parser.parse(cut.after);
    const auto part = syntax::functions(*part_tree);
    const auto line = hunks.front().after_begin;
    for (const auto& function : whole) {
      if (line < function.line_begin || line >= function.line_end) continue;
      CAPTURE(line);
      CAPTURE(function.symbol);
      CHECK(std::any_of(part.begin(), part.end(), [&](const syntax::Function& other) {
        return other.symbol == function.symbol && other.line_begin + cut.lines_gone == function.line_begin && other.line_end + cut.lines_gone == function.line_end;
      }));
    }
  }
  CHECK(cut_short > 20);
}

TEST_CASE("text without statements is taken whole") {
  const std::string text = "    x = 1\n    y = 2\n";
  CHECK(excerpt(text, replaced(text, "2", "3")).before == text);
}
