// Cutting functions out of files and putting them back must not change a byte.
#include "actors/syntax/tree.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

using namespace mendel::syntax;

namespace {

std::string cut_of(std::string_view text, std::size_t index = 0) {
  Parser parser;
  const auto tree = parser.parse(text);
  REQUIRE(tree);
  const auto all = functions(*tree);
  REQUIRE(index < all.size());
  const auto cut = cut_function(*tree, all[index]);
  return cut ? cut->text : "(nothing)";
}

}  // namespace

TEST_CASE("functions are found with their dotted names, decorators and depth") {
  Parser parser;
  const auto tree = parser.parse("@cache\ndef a():\n    def b():\n        pass\nclass C:\n    async def d(self):\n        return 1\n");
  REQUIRE(tree);
  const auto all = functions(*tree);
  REQUIRE(all.size() == 3);
  CHECK(all[0].symbol == "a");
  CHECK(all[0].line_begin == 0);
  CHECK(all[0].line_end == 4);
  CHECK(all[1].symbol == "a.b");
  CHECK(all[1].depth == 1);
  CHECK(all[2].symbol == "C.d");
  CHECK(all[2].depth == 0);
}

TEST_CASE("a method is cut out without its indentation, strings untouched") {
  CHECK(cut_of("class C:\n    def f(self):\n        x = '''\n  raw\n'''\n        return x  # end\n") ==
        "def f(self):\n    x = '''\n  raw\n'''\n    return x  # end");
}

TEST_CASE("a function that shares its line with other code is not cut") {
  CHECK(cut_of("x = 1; y = 2\nif x: \n  def f(): pass\n", 0) == "def f(): pass");
  CHECK(cut_of("def f(): pass; x = 1\n") == "def f(): pass; x = 1");
}

TEST_CASE("a cut ends before the line break, be it LF or CRLF") {
  CHECK(cut_of("def f():\r\n\treturn 1\r\nx = 2\r\n") == "def f():\r\n\treturn 1");
  CHECK(cut_of("def f():\r\n\treturn 1  # one\r\n") == "def f():\r\n\treturn 1  # one");
  CHECK(cut_of("def f(): pass\n\r\n") == "def f(): pass");
}

TEST_CASE("a byte order mark belongs to the file, not to its first function") {
  CHECK(cut_of("\xEF\xBB\xBF""def f():\n    return 1\n") == "def f():\n    return 1");
  CHECK(cut_of("\xEF\xBB\xBF@a\ndef f(): pass\n") == "@a\ndef f(): pass");
}

TEST_CASE("a line indented less than the function cannot be cut") {
  CHECK(cut_of("class C:\n    def f(self):\n        x = 1\n# note\n        return x\n") == "(nothing)");
}

TEST_CASE("broken code still has functions, marked as broken") {
  Parser parser;
  const auto tree = parser.parse("def f(:\n    return 1\n\ndef g():\n    return 2\n");
  REQUIRE(tree);
  CHECK(tree->has_error());
  const auto all = functions(*tree);
  REQUIRE_FALSE(all.empty());
  CHECK(all.back().symbol == "g");
}

TEST_CASE("hostile texts are answered, not followed") {
  Parser parser;
  CHECK(parser.parse(""));
  for (const char* unit : {"-", "(", "[1,", "lambda:", "if x:", "not ", "{1:", "f(", "a if ", "*", "1 ", "a,", "$", "a $ ", "x = 1\n", "x = \n",
                           "a + ", "'", "\"\"\"", "\t\n", ")", "a.b", "@x\n", ":", "def f():\n x="}) {
    std::string text;
    for (int i = 0; i < 70000; ++i) text += unit;  // past what 16 bits count
    CAPTURE(unit);
    const auto answered = parser.parse(text);
    if (answered) CHECK(functions(*answered).size() <= 70000);
    else CHECK(answered.error().code == mendel::ErrorCode::too_complex);
  }
  CHECK(parser.parse(std::string("a\0b", 3)));
  CHECK(parser.parse("\xff\xfe\x80"));
  CHECK_FALSE(parser.parse(std::string((16u << 20) + 1, ' ')));
  std::string elifs = "def f(x):\n    if x == 0: pass\n";
  for (int i = 0; i < 5000; ++i) elifs += "    elif x == " + std::to_string(i) + ": pass\n";
  const auto tree = parser.parse(elifs);
  REQUIRE(tree);
  CHECK(functions(*tree).size() == 1);
}

TEST_CASE("parsing beside a similar tree gives what parsing afresh gives") {
  const std::filesystem::path folder = "/usr/lib/python3.11";
  if (!std::filesystem::exists(folder)) {
    MESSAGE("SKIPPED: no /usr/lib/python3.11 on this machine");
    return;
  }
  constexpr const char* kPieces[] = {"", "\n", "    ", "x", "\"\"\"", "(", "def g(a):\n    return a\n\n\n", ":", "\r\n", "# é\n", "\t", "if x:\n        pass\n"};
  std::uint32_t state = 7;
  const auto below = [&state](std::size_t n) { return ((state = state * 1664525u + 1013904223u) >> 8) % n; };
  Parser parser;
  std::size_t sound = 0, broken = 0;
  for (const char* name : {"heapq.py", "json/decoder.py", "json/encoder.py", "textwrap.py", "this.py"}) {
    std::ifstream in(folder / name, std::ios::binary);
    std::stringstream buffer;
    buffer << in.rdbuf();
    const std::string before = buffer.str();
    const auto old_tree = parser.parse(before);
    REQUIRE(old_tree);
    for (int i = 0; i < 40; ++i) {
      auto after = before;
      auto at = below(after.size());
      if (i % 2 == 0) at = after.rfind('\n', at) == std::string::npos ? 0 : after.rfind('\n', at) + 1;
      const auto elsewhere = below(after.size() / 2);
      if (i % 4 == 0) after.insert(after.rfind('\n', elsewhere) == std::string::npos ? 0 : after.rfind('\n', elsewhere) + 1, "# one more line\n");
      if (i % 10 == 9) after.pop_back();
      at = std::min(at, after.size() - 1);
      after.replace(at, i % 3 == 0 ? after.find('\n', at) - at + 1 : below(40), kPieces[below(std::size(kPieces))]);
      const auto beside = parser.parse(after, *old_tree), afresh = parser.parse(after);
      REQUIRE(beside);
      REQUIRE(afresh);
      REQUIRE(beside->has_error() == afresh->has_error());
      ++(afresh->has_error() ? broken : sound);
      const auto a = functions(*beside), b = functions(*afresh);
      REQUIRE(a.size() == b.size());
      for (std::size_t k = 0; k < a.size(); ++k) {
        REQUIRE(a[k].bytes == b[k].bytes);
        REQUIRE(a[k].line_begin == b[k].line_begin);
        REQUIRE(a[k].line_end == b[k].line_end);
        REQUIRE(a[k].symbol == b[k].symbol);
      }
    }
  }
  CHECK(sound > 50);
  CHECK(broken > 30);
}

TEST_CASE("every function of the standard library comes back byte for byte") {
  const std::filesystem::path folder = "/usr/lib/python3.11";
  if (!std::filesystem::exists(folder)) {
    MESSAGE("SKIPPED: no /usr/lib/python3.11 on this machine");
    return;
  }
  Parser parser;
  std::size_t cuts = 0, all = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().extension() != ".py" || entry.is_symlink()) continue;
    std::ifstream in(entry.path(), std::ios::binary);
    std::stringstream buffer;
    buffer << in.rdbuf();
    const std::string text = buffer.str();
    const auto tree = parser.parse(text);
    REQUIRE(tree);
    for (const auto& function : functions(*tree)) {
      ++all;
      const auto cut = cut_function(*tree, function);
      if (!cut) continue;
      ++cuts;
      const auto own = std::string_view(text).substr(cut->bytes.begin, cut->bytes.size());
      REQUIRE_MESSAGE(paste_function(cut->text, cut->indent) == own, entry.path().string() << " " << function.symbol);
    }
  }
  CHECK(all > 1000);
  CHECK(cuts * 100 >= all * 98);
}
