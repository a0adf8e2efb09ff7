// Trees beside older versions of a file: the same as trees of their own, in bounded memory.
#include "actors/miner/recent_trees.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace mendel;
using namespace mendel::miner;

namespace {

std::string version(int n) {
  std::string out;
  for (int i = 0; i < 30; ++i)
    out += "class C" + std::to_string(i) + ":\n    def f(self):\n        return " + std::to_string(i == n || i == 29 - n ? 1000 + n : i) + "\n\n\n";
  return out;
}

std::string symbols(const syntax::Tree& tree) {
  std::string out;
  for (const auto& function : syntax::functions(tree))
    out += function.symbol + " " + std::to_string(function.bytes.begin) + " " + std::to_string(function.line_end) + "\n";
  return out;
}

}  // namespace

TEST_CASE("each version of a file has the functions that it has on its own") {
  RecentTrees trees;
  syntax::Parser parser;
  for (int n = 0; n < 12; ++n) {
    auto text = version(n);
    if (n == 5) text += "def (:\n";
    if (n == 7) text.clear();
    const auto tree = trees.parse("a.py", text);
    REQUIRE(tree);
    CHECK((*tree)->text() == text);
    const auto fresh = parser.parse(text);
    CHECK(symbols(**tree) == symbols(*fresh));
    CHECK((*tree)->has_error() == fresh->has_error());
  }
}

TEST_CASE("files do not mix, and what was let go is parsed again") {
  const auto a = version(1), b = "def g():\n    pass\n" + version(2);
  RecentTrees trees(a.size());  // no room for two
  for (int i = 0; i < 3; ++i) {
    CHECK((*trees.parse("a.py", a))->text() == a);
    CHECK(symbols(**trees.parse("b.py", b)).starts_with("g "));
  }
}

TEST_CASE("a text that the parser refuses is an error and the next is parsed") {
  RecentTrees trees;
  CHECK_FALSE(trees.parse("a.py", std::string((16u << 20) + 1, ' ')));
  CHECK(trees.parse("a.py", "x = 1\n"));
  CHECK_FALSE(trees.parse("a.py", std::string((16u << 20) + 1, ' ')));
  CHECK(trees.parse("a.py", "x = 2\n"));
}
