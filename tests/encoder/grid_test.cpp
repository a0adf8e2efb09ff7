// Cells, grids and edits: every byte string comes back, and damaged grids are refused.
#include "actors/encoder/grid.hpp"

#include <doctest/doctest.h>

#include "tests/encoder/texts.hpp"

using namespace mendel;
using namespace mendel::encoder;

namespace {

const Tokenizer& tokenizer() {
  static const Tokenizer made = sample_tokenizer();
  return made;
}

std::vector<TokenId> cells_of(std::string_view text) { return text_to_cells(tokenizer(), text); }

std::vector<TokenId> joined(std::initializer_list<std::vector<TokenId>> parts) {
  std::vector<TokenId> out;
  for (const auto& part : parts) out.insert(out.end(), part.begin(), part.end());
  return out;
}

// A line of exactly `cells` cells: indent, digits (one token each), <eol>.
std::string line_of(std::size_t cells) { return std::string(cells - 2, '7'); }

std::string lines_of(std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += i ? "\n5" : "5";
  return out;
}

bool is_corrupt(const auto& result) { return !result && result.error().code == ErrorCode::corrupt; }

}  // namespace

TEST_CASE("a line is an indent cell, its tokens and <eol>; the text ends in <eof>") {
  const TokenId a = 70 + 'q' - '!', digit = 70 + '5' - '!';
  CHECK(cells_of("") == std::vector<TokenId>{kIndentFirst, kEol, kEof});
  CHECK(cells_of("  q") == std::vector<TokenId>{kIndentFirst + 2, a, kEol, kEof});
  CHECK(cells_of("q\n 5\n") ==
        std::vector<TokenId>{kIndentFirst, a, kEol, kIndentFirst + 1, digit, kEol, kIndentFirst, kEol, kEof});
}

TEST_CASE("cells of every byte string give it back, and so does its grid where it fits") {
  auto texts = nasty_texts();
  texts.insert(texts.end(), sample_texts().begin(), sample_texts().end());
  Random random(7);
  for (int i = 0; i < 1000; ++i)
    texts.push_back(i % 2 ? random_bytes(random, random.below(300)) : random_code(random, random.below(200)));
  int fitted = 0;
  for (const auto& text : texts) {
    const auto cells = cells_of(text);
    const auto back = cells_to_text(tokenizer(), cells);
    REQUIRE(back);
    CHECK(*back == text);
    const auto grid = cells_to_grid(cells);
    if (!grid) {
      CHECK(grid.error().code == ErrorCode::too_large);
      continue;
    }
    ++fitted;
    const auto read = grid_to_cells(grid->ids, tokenizer().size());
    REQUIRE(read);
    CHECK(*read == cells);
  }
  CHECK(fitted > 900);
}

TEST_CASE("a line of 48 cells is one row and of 49 two, and so on at each continuation") {
  for (const auto& [cells, rows] : {std::pair{48u, 1u}, {49u, 2u}, {95u, 2u}, {96u, 3u}, {142u, 3u}, {143u, 4u}}) {
    CAPTURE(cells);
    CHECK(rows_of_line(cells) == rows);
    const auto grid = cells_to_grid(cells_of(line_of(cells)));
    REQUIRE(grid);
    CHECK(grid->rows == rows + 1);
    CHECK((grid->ids[kGridColumns] == kContinuation) == (rows > 1));
    CHECK(grid->ids[rows * kGridColumns] == kEof);
    CHECK(*grid_to_cells(grid->ids, tokenizer().size()) == cells_of(line_of(cells)));
  }
}

TEST_CASE("63 lines fit a grid and 64 do not") {
  const auto fits = cells_to_grid(cells_of(lines_of(63)));
  REQUIRE(fits);
  CHECK(fits->rows == 64);
  const auto too_tall = cells_to_grid(cells_of(lines_of(64)));
  REQUIRE_FALSE(too_tall);
  CHECK(too_tall.error().code == ErrorCode::too_large);
  CHECK(too_tall.error().what == "needs 65 rows of 64");
}

TEST_CASE("positions say where each cell stands in the grid") {
  const auto cells = cells_of("q\n" + line_of(100) + "\n  q(5)");
  const auto grid = cells_to_grid(cells);
  REQUIRE(grid);
  const auto where = positions(cells);
  REQUIRE(where.size() == cells.size());
  for (std::size_t i = 0; i < cells.size(); ++i)
    CHECK(grid->ids[where[i].row * kGridColumns + where[i].column] == cells[i]);
}

TEST_CASE("cells that no text has are corrupt") {
  const TokenId q = 70 + 'q' - '!', line_feed = cells_of("\v")[1] - 1;
  const auto refuse = [](const std::vector<TokenId>& cells) { CHECK(is_corrupt(cells_to_text(tokenizer(), cells, Spelling::any))); };
  CHECK(tokenizer().bytes_of(line_feed) == "\n");
  refuse({});
  refuse({kEof});
  refuse({kIndentFirst, kEol});
  refuse({kIndentFirst, q, kEof});
  refuse({kIndentFirst, q});
  refuse({q, kEol, kEof});
  refuse({kIndentFirst, kEol, kEof, kEof});
  refuse({kIndentFirst, kEol, kEof, kPad});
  for (const TokenId inside : {kPad, kEos, kBos, kEof, kContinuation, kIndentFirst, static_cast<TokenId>(tokenizer().size()), -1, line_feed})
    refuse({kIndentFirst, inside, kEol, kEof});
  const TokenId space = cells_of("\t ")[2];
  REQUIRE(tokenizer().bytes_of(space) == " ");
  refuse({kIndentFirst + 2, space, kEol, kEof});
  CHECK(cells_to_text(tokenizer(), std::vector<TokenId>{kIndentFirst + 63, space, kEol, kEof}));
}

TEST_CASE("another spelling of the same bytes is a proposal but no stored grid") {
  std::vector<TokenId> spelled{kIndentFirst};
  for (const char c : std::string("return")) spelled.push_back(70 + c - '!');
  spelled.insert(spelled.end(), {kEol, kEof});
  REQUIRE(cells_of("return").size() < spelled.size());
  CHECK(is_corrupt(cells_to_text(tokenizer(), spelled)));
  const auto proposal = cells_to_text(tokenizer(), spelled, Spelling::any);
  REQUIRE(proposal);
  CHECK(*proposal == "return");
}

TEST_CASE("a grid that no text has is corrupt") {
  const auto good = *cells_to_grid(cells_of("q(5)\n" + line_of(60)));
  const auto refuse = [&](std::size_t at, TokenId id) {
    Grid grid = good;
    REQUIRE(grid.ids[at] != id);
    grid.ids[at] = static_cast<std::int16_t>(id);
    CAPTURE(at);
    CAPTURE(id);
    CHECK(is_corrupt(grid_to_cells(grid.ids, tokenizer().size())));
  };
  refuse(0, kPad);  // a row must start as a row
  refuse(0, kEof);  // a line must stand before the end
  refuse(0, kContinuation);  // nothing goes on here
  refuse(1, kPad);  // a gap
  refuse(1, kIndentFirst);
  refuse(1, static_cast<TokenId>(tokenizer().size()));
  refuse(1, -1);
  refuse(10, 100);  // after <eol>
  refuse(kGridColumns + 20, kEol);  // the row goes on after the line's end
  refuse(2 * kGridColumns, kIndentFirst);  // the line before is open
  refuse(2 * kGridColumns + 1, kContinuation);
  refuse(3 * kGridColumns, kPad);  // no <eof>
  refuse(3 * kGridColumns + 1, 100);  // after <eof>
  CHECK(is_corrupt(grid_to_cells(std::span(good.ids).first(100), tokenizer().size())));
  CHECK(is_corrupt(grid_to_cells(std::vector<std::int16_t>(kGridCells, 0), tokenizer().size())));
}

TEST_CASE("random grids are refused or are the grid of their own cells") {
  Random random(31);
  const auto good = *cells_to_grid(cells_of(sample_texts()[1]));
  for (int round = 0; round < 5000; ++round) {
    Grid grid = good;
    for (int k = 0; k < 2; ++k) grid.ids[random.below(400)] = static_cast<std::int16_t>(random.below(430));
    const auto cells = grid_to_cells(grid.ids, tokenizer().size());
    if (!cells) continue;
    const auto again = cells_to_grid(*cells);
    REQUIRE(again);
    CHECK((again->ids == grid.ids));
  }
}

TEST_CASE("cells out of order are no grid") {
  CHECK(is_corrupt(cells_to_grid({})));
  CHECK(is_corrupt(cells_to_grid(std::vector<TokenId>{kEof})));
  CHECK(is_corrupt(cells_to_grid(std::vector<TokenId>{kIndentFirst, kEol})));
  CHECK(is_corrupt(cells_to_grid(std::vector<TokenId>{kIndentFirst, 40000, kEol, kEof})));
  CHECK(is_corrupt(cells_to_grid(joined({cells_of("q"), cells_of("q")}))));
}

TEST_CASE("the edit is what lies between the longest common start and end") {
  const auto edit = span_edit(cells_of("if q:\n    r()"), cells_of("if q\n    r()"));
  REQUIRE(edit);
  CHECK(edit->first + 1 == edit->end);
  CHECK(edit->tokens.empty());
  const auto inserted = span_edit(cells_of("f(5)"), cells_of("f(55)"));  // several places: the last of equal tokens
  REQUIRE(inserted);
  CHECK(inserted->first == inserted->end);
  CHECK(inserted->tokens.size() == 1);
  CHECK_FALSE(span_edit(cells_of("q"), cells_of("q")));
}

TEST_CASE("an edit applied to the buggy side gives the fixed side") {
  Random random(37);
  for (int round = 0; round < 500; ++round) {
    const auto buggy = cells_of(random_code(random, random.below(30))), fixed = cells_of(random_code(random, random.below(30)));
    const auto edit = span_edit(buggy, fixed);
    CHECK(edit.has_value() == (buggy != fixed));
    if (edit) CHECK(apply_edit(buggy, *edit) == fixed);
  }
}

TEST_CASE("windows cover a long text line by line") {
  const std::string text = lines_of(200) + "\n" + line_of(2000) + "\n" + lines_of(30) + "\n";
  const auto windows = windows_of(cells_of(text));
  REQUIRE(windows);
  std::string back;
  std::uint32_t line = 0;
  for (const auto& window : *windows) {
    CHECK(window.first_line == line);
    line += window.line_count;
    if (!back.empty()) back += "\n";
    back += *cells_to_text(tokenizer(), *grid_to_cells(window.grid.ids, tokenizer().size()));
  }
  CHECK(back == text);
  CHECK(windows->size() == 5);
}

TEST_CASE("a line that is taller than a grid has no window") {
  const auto windows = windows_of(cells_of("q\n" + line_of(48 + 47 * 62 + 1)));
  REQUIRE_FALSE(windows);
  CHECK(windows.error().code == ErrorCode::too_large);
  CHECK(windows.error().what.find("line 2") != std::string::npos);
  CHECK(windows_of(cells_of("q\n" + line_of(48 + 47 * 62))));
}
