// Where text is cut into pieces before any merge.
#include "actors/encoder/pretokenizer.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "actors/encoder/lines.hpp"
#include "tests/encoder/texts.hpp"

using namespace mendel;
using namespace mendel::encoder;

namespace {

std::vector<std::string> pieces_of(std::string_view text) {
  std::vector<std::string> out;
  const char* const end = text.data() + text.size();
  for (const char* at = text.data(); at < end;) {
    const char* const stop = next_piece(at, end);
    REQUIRE(stop > at);
    REQUIRE(stop <= end);
    out.emplace_back(at, stop);
    at = stop;
  }
  return out;
}

using Pieces = std::vector<std::string>;

}  // namespace

TEST_CASE("punctuation stands alone and takes the space before it") {
  CHECK(pieces_of("return foo(a, b)") == Pieces{"return", " foo", "(", "a", ",", " b", ")"});
  CHECK(pieces_of("x[(1)]:") == Pieces{"x", "[", "(", "1", ")", "]", ":"});
  CHECK(pieces_of("a = (") == Pieces{"a", " =", " ("});
}

TEST_CASE("the long operators of Python are one piece each") {
  for (const char* op : {"==", "!=", "<=", ">=", "->", ":=", "**", "**=", "//", "//=", "<<", "<<=", ">>", ">>=", "-=", "+=", "*=",
                         "/=", "%=", "&=", "|=", "^=", "@="}) {
    CAPTURE(op);
    CHECK(pieces_of(op) == Pieces{op});
    CHECK(pieces_of(std::string(" ") + op + "x") == Pieces{std::string(" ") + op, "x"});
  }
  CHECK(pieces_of("===") == Pieces{"==", "="});
  CHECK(pieces_of("***") == Pieces{"**", "*"});
  CHECK(pieces_of("<>") == Pieces{"<", ">"});
  CHECK(pieces_of("~=") == Pieces{"~", "="});
}

TEST_CASE("names keep their digits and numbers lose theirs") {
  CHECK(pieces_of("x2 = 123") == Pieces{"x2", " =", " 1", "2", "3"});
  CHECK(pieces_of("_a1b 1_0") == Pieces{"_a1b", " 1", "_0"});
}

TEST_CASE("white space of more than one character is a piece of its own") {
  CHECK(pieces_of("a  b") == Pieces{"a", "  ", "b"});
  CHECK(pieces_of(" \t b ") == Pieces{" \t ", "b", " "});
  CHECK(pieces_of("\r\n") == Pieces{"\r\n"});
}

TEST_CASE("bytes beyond ASCII form runs whether or not they are UTF-8") {
  CHECK(pieces_of("na\xc3\xafve") == Pieces{"na", "\xc3\xaf", "ve"});
  CHECK(pieces_of(" \xff\xfe(") == Pieces{" \xff\xfe", "("});
}

TEST_CASE("the pieces of any bytes put together are the bytes") {
  Random random(11);
  for (int round = 0; round < 2000; ++round) {
    const std::string text = round % 2 ? random_bytes(random, random.below(40)) : random_code(random, random.below(20));
    std::string joined;
    for (const auto& piece : pieces_of(text)) joined += piece;
    CHECK(joined == text);
  }
}

#ifdef __SSE2__
TEST_CASE("a block has the starts that its pieces have one by one") {
  Random random(12);
  for (int round = 0; round < 4000; ++round) {
    std::string text;
    while (text.size() < kBlockBytes + 2) text += round % 2 ? random_bytes(random, 1 + random.below(40)) : random_code(random, 1 + random.below(20));
    const char* const end = text.data() + text.size();
    std::uint64_t expected = 0;
    for (const char* at = text.data(); at < text.data() + kBlockBytes; at = next_piece(at, end)) expected |= 1ull << (at - text.data());
    CAPTURE(text);
    CHECK(piece_starts(text.data(), end) == expected);
  }
}
#endif

TEST_CASE("an indent holds at most 63 spaces and only spaces") {
  CHECK(split_indent("    x").indent == 4);
  CHECK(split_indent("    x").body == "x");
  CHECK(split_indent("\t x").indent == 0);
  CHECK(split_indent(std::string(63, ' ') + "x").indent == 63);
  CHECK(split_indent(std::string(64, ' ') + "x").indent == 63);
  CHECK(split_indent(std::string(64, ' ') + "x").body == " x");
}

TEST_CASE("n line feeds make n + 1 lines") {
  const auto count = [](std::string_view text) {
    int lines = 0;
    for_each_line(text, [&](const Line&) { ++lines; });
    return lines;
  };
  CHECK(count("") == 1);
  CHECK(count("a") == 1);
  CHECK(count("a\n") == 2);
  CHECK(count("\n\n") == 3);
}
