// What a lexer sees: depth, brackets without a partner, operands that touch, broken indentation.
#include "actors/trainer/lexical_marks.hpp"

#include <doctest/doctest.h>

#include <string>

#include "actors/encoder/grid.hpp"

namespace {

using namespace mendel;
using trainer::LexicalMarks;

const encoder::Tokenizer& tokenizer() {
  static const auto made = [] {
    const std::string text = "def f(alpha, beta):\n    return alpha + beta\nf'{alpha}' \"beta\" not in ( [ {";
    const std::string_view texts[] = {text};
    return encoder::Tokenizer::train(texts, {.vocabulary = 400, .min_frequency = 1});
  }();
  return made;
}

// The text of each cell that has a mark of `from` or more, with its mark.
std::string marked(const std::string& code, std::uint8_t from) {
  const auto cells = encoder::text_to_cells(tokenizer(), code);
  const auto marks = LexicalMarks(tokenizer()).of(cells);
  REQUIRE(marks.size() == cells.size());
  std::string out;
  for (std::size_t t = 0; t < cells.size(); ++t)
    if (marks[t] >= from) out += std::string(tokenizer().bytes_of(cells[t])) + "=" + std::to_string(marks[t]) + " ";
  return out;
}

constexpr std::uint8_t kFaults = LexicalMarks::kStrayCloser;

}  // namespace

TEST_CASE("sound code has no marks but depths") {
  CHECK(marked("def f(alpha, beta):\n    if alpha:\n        return [alpha, {beta: -1}]\n    return f(alpha)[0] if beta else not alpha\n", kFaults) == "");
  CHECK(marked("x = f'{alpha}' + rb\"beta\"\ny = ('it''s')\n", LexicalMarks::kDeeperWithoutColon) == "");
  CHECK(marked("f(alpha,\n  beta)\nx = 1 + \\\n    2\n", kFaults) == "");
  CHECK(marked("async def f():\n    await g()\n    async with a as b, c:\n        from x import y as z\n", kFaults) == "");
  CHECK(marked("x = '''a b\nc (\n''' + \"don't\"\n", kFaults) == "");
}

TEST_CASE("a bracket belongs to what it encloses") {
  CHECK(marked("f(a[0], b)", 1) == "(=1 a=1 [=2 0=2 ]=2 ,=1 b=1 )=1 ");
}

TEST_CASE("brackets without a partner are told") {
  CHECK(marked("f(a[0)", kFaults) == "(=7 [=7 )=6 ");
  CHECK(marked("f(a]", kFaults) == "(=7 ]=6 ");
  CHECK(marked("a)", kFaults) == ")=6 ");
}

TEST_CASE("an operand that starts behind another is told, whatever its tokens are") {
  CHECK(marked("f(alpha beta)", kFaults) == " beta=9 ");
  CHECK(marked("[1 2]", kFaults) == "2=9 ");
  CHECK(marked("f(a) b", kFaults) == "b=8 ");
  CHECK(marked("x = 'a' 'b'", kFaults) == "'=8 ");
  CHECK(marked("x = alpha f'b'", kFaults) == " f=8 ");
}

TEST_CASE("indentation that breaks the rule of its neighbours is told") {
  CHECK(marked("x = 1\n    y = 2\n", LexicalMarks::kDeeperWithoutColon) == "<I4>=13 ");
  CHECK(marked("if x:\ny = 2\n", LexicalMarks::kDeeperWithoutColon) == "<I0>=14 ");
  CHECK(marked("if x:\n    y = 2\n  z = 3\n", LexicalMarks::kDeeperWithoutColon) == "<I2>=15 ");
}

TEST_CASE("any cells are answered: open strings, ids of another vocabulary, none") {
  CHECK(marked("x = 'abc\ny = (", kFaults) == " (=7 ");
  CHECK(marked("x = '''abc\ny = (", kFaults) == "");
  const std::vector<encoder::TokenId> foreign = {30000, encoder::kEol, encoder::kEof};
  CHECK(LexicalMarks(tokenizer()).of(foreign).size() == 3);
  CHECK(LexicalMarks(tokenizer()).of({}).empty());
}
