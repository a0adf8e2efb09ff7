// Files cut into functions, by the parser or by lines, and put back byte for byte.
#include <doctest/doctest.h>

#include "actors/trainer/code_pieces.hpp"

using namespace mendel::trainer;

namespace {

const std::string kFile =
    "import os\n"
    "\n"
    "@cached\n"
    "def first(a,\n"
    "          b):\n"
    "    text = '''\n"
    "not indented\n"
    "'''\n"
    "    return text\n"
    "\n"
    "class Shop:\n"
    "    \"\"\"A shop.\"\"\"\n"
    "\n"
    "    async def open(self):\n"
    "        def inner():\n"
    "            return 1\n"
    "        return inner()  # opened\n"
    "\n"
    "    x = 1\n"
    "print(first(1, 2))\n";

std::string with_carriage_returns(const std::string& text) {
  std::string out;
  for (const char c : text) out += c == '\n' ? "\r\n" : std::string(1, c);
  return out;
}

std::string slice(const std::string& file, const Piece& piece) { return file.substr(piece.bytes.begin, piece.bytes.size()); }

}  // namespace

TEST_CASE("a sound file is cut at its outermost functions, dedented") {
  const auto pieces = function_pieces(kFile);
  REQUIRE(pieces);
  REQUIRE(pieces->size() == 2);
  CHECK((*pieces)[0].symbol == "first");
  CHECK((*pieces)[0].text.starts_with("@cached\ndef first(a,\n"));
  CHECK((*pieces)[1].symbol == "Shop.open");
  CHECK((*pieces)[1].text == "async def open(self):\n    def inner():\n        return 1\n    return inner()  # opened");
}

TEST_CASE("lines alone find the same functions as the parser in a sound file") {
  for (const auto& file : {kFile, with_carriage_returns(kFile)}) {
    const auto parsed = function_pieces(file);
    const auto lines = line_pieces(file);
    REQUIRE(parsed);
    REQUIRE(lines.size() == parsed->size());
    for (std::size_t i = 0; i < lines.size(); ++i) {
      CHECK(lines[i].text == (*parsed)[i].text);
      CHECK(lines[i].symbol == (*parsed)[i].symbol);
      CHECK(lines[i].carriage_returns == (*parsed)[i].carriage_returns);
    }
  }
}

TEST_CASE("a piece that is put back unchanged gives the same file") {
  for (const auto& file : {kFile, with_carriage_returns(kFile), kFile.substr(0, kFile.size() - 1)}) {
    for (const auto& piece : line_pieces(file)) CHECK(put_back(file, piece, piece.text) == file);
    const auto whole = whole_piece(file);
    CHECK(put_back(file, whole, whole.text) == file);
  }
}

TEST_CASE("only the changed line of a method changes, with its indent and its line end") {
  for (const bool returns : {false, true}) {
    const auto file = returns ? with_carriage_returns(kFile) : kFile;
    const auto piece = line_pieces(file).at(1);
    auto text = piece.text;
    const std::string slip = "        return 1", fix = "        value = 2\n        return value";
    text.replace(text.find(slip), slip.size(), fix);
    auto expected = kFile;
    const std::string in_file = "            return 1";
    expected.replace(expected.find(in_file), in_file.size(), "            value = 2\n            return value");
    CHECK(put_back(file, piece, text) == (returns ? with_carriage_returns(expected) : expected));
  }
}

TEST_CASE("a def without its colon and one with an unclosed bracket are still pieces") {
  const std::string file = "def a(x)\n    return x\n\n\nclass B:\n    def c(self):\n        return (1 + 2\n\n    def d(self):\n        return 3\n";
  const auto pieces = line_pieces(file);
  REQUIRE(pieces.size() == 3);
  CHECK(pieces[0].text == "def a(x)\n    return x");
  CHECK(pieces[1].text == "def c(self):\n    return (1 + 2");
  CHECK(pieces[1].symbol == "B.c");
  CHECK(pieces[2].symbol == "B.d");
}

TEST_CASE("around an error the piece goes on to the next definition, over a line that lost its indentation") {
  const std::string file = "def a(x):\n    y = x\nz = y\n    return z\n\ndef b():\n    pass\n";
  const auto piece = piece_around(file, 3);
  REQUIRE(piece);
  CHECK(piece->text == "def a(x):\n    y = x\nz = y\n    return z");
  const auto outside = piece_around("x = (1\ny = 2\n\ndef b():\n    pass\n", 0);
  REQUIRE(outside);
  CHECK(outside->text == "x = (1\ny = 2");
}

TEST_CASE("a whole text is one piece without its last line feeds") {
  CHECK(whole_piece("a = 1\r\nb = 2\r\n\r\n").text == "a = 1\nb = 2");
  CHECK(whole_piece("a = 1").text == "a = 1");
  CHECK(whole_piece("\n\n").text.empty());
  const std::string file = "a = 1\r\nb = 2\r\n";
  CHECK(put_back(file, whole_piece(file), "a = 1\nb = 3") == "a = 1\r\nb = 3\r\n");
}

TEST_CASE("a method that is indented by tabs keeps them") {
  const std::string file = "class A:\n\tdef f(self):\n\t\treturn 1\n";
  const auto piece = line_pieces(file).at(0);
  CHECK(piece.text == "def f(self):\n\treturn 1");
  CHECK(put_back(file, piece, "def f(self):\n\treturn 2") == "class A:\n\tdef f(self):\n\t\treturn 2\n");
  CHECK(slice(file, piece) == "\tdef f(self):\n\t\treturn 1");
}
