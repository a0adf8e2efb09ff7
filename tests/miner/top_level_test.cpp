// Statements at the left edge, and that a change parsed within them gives what the whole file gives.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "actors/miner/top_level.hpp"

using namespace mendel::miner;

using Lines = std::vector<std::uint32_t>;

TEST_CASE("statements start at the left edge, outside strings, brackets and continued lines") {
  CHECK(top_level_lines("import os\n\n# c\ndef f():\n    return 1\nx = (\n1\n)\ny = 2\n") == Lines{0, 3, 5, 8});
  CHECK(top_level_lines("x = \"\"\"\ndef f\n\"\"\"\ny = 'a\\\nb'\nz = 1 + \\\n2\nw = 3\n") == Lines{0, 3, 5, 7});
  CHECK(top_level_lines("s = 'it\\'s' # '''\nt = r'''\\'''\nu\n") == Lines{0, 1});
}

TEST_CASE("clauses belong to the statement before") {
  CHECK(top_level_lines("try:\n  a\nexcept E:\n  b\nelse:\n  c\nfinally:\n  d\nelse_ = 1\n") == Lines{0, 8});
}

TEST_CASE("any bytes give lines in order and no crash") {
  for (const std::string& text : {std::string(), std::string("\n"), std::string("\\"), std::string("'''"), std::string(")))\nx"), std::string(100000, '('),
                                  std::string("x\0\xFF\ny", 6), std::string("\"\\"), std::string("'\\\n")}) {
    const auto lines = top_level_lines(text);
    CHECK(std::is_sorted(lines.begin(), lines.end()));
  }
}

TEST_CASE("the statements around a change have its neighbours and their decorators") {
  const std::string text = "import os\n@a\n@b\ndef f():\n    return 1\n\ndef g():\n    return 2\n\n@c\ndef h():\n    return 3\n";
  const auto starts = top_level_lines(text);
  const auto around = [&](std::uint32_t begin, std::uint32_t end) {
    const auto lines = statements_around(text, starts, begin, end);
    return std::string(cut_lines(text, lines));
  };
  CHECK(around(4, 5) == "@a\n@b\ndef f():\n    return 1\n\n");
  CHECK(around(7, 8) == "def g():\n    return 2\n\n");
  CHECK(around(8, 9) == "def g():\n    return 2\n\n@c\ndef h():\n    return 3\n");
  CHECK(around(11, 12) == "@c\ndef h():\n    return 3\n");
  CHECK(around(0, 1) == "import os\n@a\n@b\ndef f():\n    return 1\n\n");
}

TEST_CASE("text without statements is taken whole") {
  const std::string text = "    x = 1\n    y = 2\n";
  CHECK(std::string(cut_lines(text, statements_around(text, top_level_lines(text), 1, 2))) == text);
}
