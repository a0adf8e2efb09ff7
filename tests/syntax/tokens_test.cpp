// The scanner never fails and loses no byte.
#include "actors/syntax/tokens.hpp"

#include <doctest/doctest.h>

#include <string>

#include "proto/ids.hpp"

using namespace mendel::syntax;

namespace {

std::string listed(std::string_view text) {
  std::string out;
  for (const auto& token : tokens(text)) {
    if (token.kind == TokenKind::newline) out += "$ ";
    else out += std::string(text.substr(token.bytes.begin, token.bytes.size())) + " ";
  }
  return out;
}

}  // namespace

TEST_CASE("code falls into the tokens that a reader sees") {
  CHECK(listed("def f(a, *b):\n    return a**-1.5e+3 != b[0]  # why\n") == "def f ( a , * b ) : $ return a ** - 1.5e+3 != b [ 0 ] # why $ ");
  CHECK(listed("x=rb'a\\'b' + f\"\"\"c\nd\"\"\"") == "x = rb'a\\'b' + f\"\"\"c\nd\"\"\" $ ");
  CHECK(listed("a = 1 + \\\n  2") == "a = 1 + 2 $ ");
}

TEST_CASE("lines count through strings and continuations") {
  const auto list = tokens("a = '''x\ny''' + \\\nb\nc");
  CHECK(list.front().line == 0);
  CHECK(list[list.size() - 2].line == 3);
}

TEST_CASE("unclosed strings end at their line, triple ones at the end") {
  CHECK(listed("a = 'b\nc") == "a = 'b $ c $ ");
  CHECK(listed("a = '''b\nc") == "a = '''b\nc $ ");
  CHECK(tokens("'b")[0].kind == TokenKind::error);
}

TEST_CASE("any bytes are scanned in order without overlap") {
  mendel::Random random(3);
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (std::uint64_t i = random.below(60); i > 0; --i) {
      static constexpr std::string_view kBytes("\0\n\r\t\f '\"\\#rbfab01.=(){}\xc3\xa9\xff", 26);
      text.push_back(kBytes[random.below(kBytes.size())]);
    }
    std::uint32_t end = 0;
    for (const auto& token : tokens(text)) {
      REQUIRE(token.bytes.begin >= end);
      REQUIRE(token.bytes.end >= token.bytes.begin);
      REQUIRE(token.bytes.end <= text.size());
      for (auto i = end; i < token.bytes.begin; ++i) REQUIRE(std::string_view(" \t\r\f\n\\").find(text[i]) != std::string_view::npos);
      end = token.bytes.end;
    }
  }
}

TEST_CASE("a long line takes linear time") {
  const std::string text(10u << 20, '-');
  CHECK(tokens(text).size() == text.size() + 1);
}
