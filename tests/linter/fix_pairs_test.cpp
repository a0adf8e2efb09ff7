// From a linter's edits to pairs of functions: places, overlaps, moves.
#include <doctest/doctest.h>

#include <string>

#include "actors/linter/fix_pairs.hpp"

using namespace mendel;
using namespace mendel::linter;

TEST_CASE("columns count characters, lines end at LF, CR or CRLF") {
  const LineIndex index("\xEF\xBB\xBF" "ab\r\n\xC3\xA9\xF0\x9F\x98\x80x\ry\n");
  CHECK(index.offset({1, 1}) == 3u);
  CHECK(index.offset({2, 1}) == 7u);
  CHECK(index.offset({2, 3}) == 13u);
  CHECK(index.offset({3, 1}) == 15u);
  CHECK(index.offset({4, 1}) == 17u);
  CHECK_FALSE(index.offset({5, 1}));
  CHECK_FALSE(index.offset({4, 2}));
  CHECK_FALSE(index.offset({0, 1}));
}

TEST_CASE("edits that overlap or lie outside are refused") {
  const LineIndex index("abc\n");
  CHECK_FALSE(byte_edits(index, {"safe", "", {{{1, 1}, {1, 3}, ""}, {{1, 2}, {1, 4}, ""}}}));
  CHECK_FALSE(byte_edits(index, {"safe", "", {{{9, 1}, {9, 3}, ""}}}));
  CHECK_FALSE(byte_edits(index, {"safe", "", {{{1, 3}, {1, 1}, ""}}}));
  CHECK_FALSE(byte_edits(index, {"safe", "", {}}));
  CHECK(byte_edits(index, {"safe", "", {{{1, 2}, {1, 3}, "x"}, {{1, 1}, {1, 2}, "y"}}})->front().bytes.begin == 0);
}

namespace {

FixOutcome fixed(const std::string& text, Position begin, Position end, const std::string& content) {
  syntax::Parser parser;
  const auto tree = parser.parse(text);
  REQUIRE(tree);
  const Fix fix{"safe", "", {{begin, end, content}}};
  const auto edits = byte_edits(LineIndex(text), fix);
  REQUIRE(edits);
  return apply_fix(parser, *tree, syntax::functions(*tree), *edits);
}

}  // namespace

TEST_CASE("a method is cut before and after its fix") {
  const auto outcome = fixed("class A:\n    def f(self):\n        return \"\xC3\xA9\", 1\n", {3, 21}, {3, 22}, "2");
  REQUIRE(outcome.function);
  CHECK(outcome.function->symbol == "A.f");
  CHECK(outcome.function->buggy == "def f(self):\n    return \"\xC3\xA9\", 1");
  CHECK(outcome.function->fixed == "def f(self):\n    return \"\xC3\xA9\", 2");
}

TEST_CASE("a fix that deletes the last line keeps the rest") {
  const auto outcome = fixed("def f(a):\n    a()\n    return\nx = 1\n", {3, 1}, {4, 1}, "");
  REQUIRE(outcome.function);
  CHECK(outcome.function->fixed == "def f(a):\n    a()");
}

TEST_CASE("fixes outside functions, or that break or rename one, are refused") {
  CHECK(std::string(fixed("x = 1\ndef f():\n    pass\n", {1, 1}, {1, 2}, "y").reason) == "outside_functions");
  CHECK(std::string(fixed("def f():\n    return 1\n", {2, 12}, {2, 13}, "(").reason) == "does_not_parse");
  CHECK(std::string(fixed("def f():\n    return 1\n", {1, 5}, {1, 6}, "g").reason) == "not_the_same_function");
}
