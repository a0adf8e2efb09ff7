// Differences: the smallest script, and a unified diff that patch(1) understands.
#include <doctest/doctest.h>

#include "actors/syntax/tokens.hpp"
#include "proto/ids.hpp"

using namespace mendel::syntax;

TEST_CASE("equal texts have no difference") {
  CHECK(line_difference("a\nb", "a\nb").empty());
  CHECK(unified_diff("a\n", "a\n", "x.py").empty());
}

TEST_CASE("one changed line is one hunk") {
  const auto hunks = line_difference("a\nb\nc\n", "a\nB\nc\n");
  REQUIRE(hunks.size() == 1);
  CHECK(hunks[0].before_begin == 1);
  CHECK(hunks[0].before_end == 2);
  CHECK(hunks[0].after_begin == 1);
  CHECK(hunks[0].after_end == 2);
}

TEST_CASE("the unified diff says where and what") {
  CHECK(unified_diff("a\nb\nc\n", "a\nc\n", "x.py") == "--- a/x.py\n+++ b/x.py\n@@ -1,3 +1,2 @@\n a\n-b\n c\n");
  CHECK(unified_diff("a", "b", "x") == "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n\\ No newline at end of file\n");
}

TEST_CASE("applying the hunks gives the other text, whatever the texts") {
  mendel::Random random(5);
  for (int round = 0; round < 500; ++round) {
    const auto make = [&] {
      std::vector<std::string> lines;
      for (auto n = random.below(12); n > 0; --n) lines.push_back(std::string(1, static_cast<char>('a' + random.below(4))) + "\n");
      return lines;
    };
    const auto a = make(), b = make();
    const auto joined = [](const auto& lines) {
      std::string out;
      for (const auto& line : lines) out += line;
      return out;
    };
    std::vector<std::string> built;
    std::size_t i = 0;
    for (const auto& hunk : line_difference(joined(a), joined(b))) {
      for (; i < hunk.before_begin; ++i) built.push_back(a[i]);
      for (auto j = hunk.after_begin; j < hunk.after_end; ++j) built.push_back(b[j]);
      i = hunk.before_end;
    }
    for (; i < a.size(); ++i) built.push_back(a[i]);
    REQUIRE(built == b);
  }
}

TEST_CASE("token differences do not see white space and comments") {
  const std::string a = "x = a + b  # sum\n", b = "x  =  a - b\n";
  const auto ta = tokens(a), tb = tokens(b);
  const auto hunks = token_difference(a, ta, b, tb);
  REQUIRE(hunks.size() == 1);
  CHECK(hunks[0].before_begin == 3);
  CHECK(hunks[0].before_end == 4);
}

TEST_CASE("more changes than are looked for give one hunk") {
  std::string a, b;
  for (int i = 0; i < 100; ++i) a += "a" + std::to_string(i) + "\n", b += "b" + std::to_string(i) + "\n";
  CHECK(line_difference(a, b, 10).size() == 1);
}
