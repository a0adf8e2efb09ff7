// encode_pair: both sides in the same window.
#include <doctest/doctest.h>

#include "actors/encoder/grid.hpp"
#include "tests/encoder/texts.hpp"

using namespace mendel;
using namespace mendel::encoder;

namespace {

const Tokenizer& tokenizer() {
  static const Tokenizer made = sample_tokenizer();
  return made;
}

using Lines = std::vector<std::string>;

Lines numbered(std::size_t count) {
  Lines lines;
  for (std::size_t i = 0; i < count; ++i) lines.push_back("v" + std::to_string(i) + " = " + std::to_string(i));
  return lines;
}

std::string text_of(const Lines& lines) {
  std::string out;
  for (std::size_t i = 0; i < lines.size(); ++i) out += (i ? "\n" : "") + lines[i];
  return out;
}

std::string text_of(const Grid& grid) {
  return *cells_to_text(tokenizer(), *grid_to_cells(grid.ids, tokenizer().size()));
}

// The window must be these lines of its side.
void check_window(const Grid& grid, const Lines& lines, std::size_t first, std::size_t count) {
  CHECK(text_of(grid) == text_of(Lines(lines.begin() + static_cast<std::ptrdiff_t>(first),
                                       lines.begin() + static_cast<std::ptrdiff_t>(first + count))));
}

// Edits lead from the buggy to the fixed grid.
void check_edit(const EncodedPair& pair) {
  auto cells = *grid_to_cells(pair.buggy.ids, tokenizer().size());
  for (const auto& edit : pair.edits) cells = apply_edit(cells, edit);
  CHECK(cells == *grid_to_cells(pair.fixed.ids, tokenizer().size()));
}

}  // namespace

TEST_CASE("a pair that fits is not windowed") {
  const auto pair = encode_pair(tokenizer(), "if q\n    r()\n", "if q:\n    r()\n");
  REQUIRE(pair);
  CHECK(pair->window_first_line == -1);
  CHECK(pair->edits.size() == 1);
  CHECK(text_of(pair->buggy) == "if q\n    r()\n");
  CHECK(text_of(pair->fixed) == "if q:\n    r()\n");
  check_edit(*pair);
}

TEST_CASE("a clean pair has no edit") {
  const auto pair = encode_pair(tokenizer(), "x = 1", "x = 1");
  REQUIRE(pair);
  CHECK(pair->edits.empty());
  CHECK((pair->buggy.ids == pair->fixed.ids));
}

TEST_CASE("a changed line in the middle of a long text stands in the middle of its window") {
  const Lines fixed = numbered(200);
  Lines buggy = fixed;
  buggy[100] = "v100 = 7";
  const auto pair = encode_pair(tokenizer(), text_of(buggy), text_of(fixed));
  REQUIRE(pair);
  CHECK(pair->window_first_line == 69);
  check_window(pair->buggy, buggy, 69, 63);
  check_window(pair->fixed, fixed, 69, 63);
  CHECK(pair->buggy.rows == kGridRows);
  check_edit(*pair);
}

TEST_CASE("a change at an end takes its context from the other side") {
  const Lines fixed = numbered(100);
  for (const std::size_t at : {std::size_t{0}, std::size_t{99}}) {
    Lines buggy = fixed;
    buggy[at] += "0";
    const auto pair = encode_pair(tokenizer(), text_of(buggy), text_of(fixed));
    REQUIRE(pair);
    CHECK(pair->window_first_line == (at ? 37 : 0));
    CHECK(pair->fixed.rows == kGridRows);
    check_edit(*pair);
  }
}

TEST_CASE("sides of different length share the place of their window") {
  const Lines buggy = numbered(90);
  for (const std::size_t inserted : {1u, 5u, 40u}) {
    Lines fixed = buggy;
    for (std::size_t i = 0; i < inserted; ++i) fixed.insert(fixed.begin() + 50, "check(" + std::to_string(i) + ")");
    for (const bool swapped : {false, true}) {
      const auto& left = swapped ? fixed : buggy;
      const auto& right = swapped ? buggy : fixed;
      const auto pair = encode_pair(tokenizer(), text_of(left), text_of(right));
      REQUIRE(pair);
      const auto first = static_cast<std::size_t>(pair->window_first_line);
      check_window(pair->buggy, left, first, swapped ? 63 : 63 - inserted);
      check_window(pair->fixed, right, first, swapped ? 63 - inserted : 63);
      check_edit(*pair);
    }
  }
}

TEST_CASE("one side may fit whole and is windowed all the same") {
  const Lines buggy = numbered(60);
  Lines fixed = buggy;
  fixed.insert(fixed.begin() + 10, 5, "again()");
  const auto pair = encode_pair(tokenizer(), text_of(buggy), text_of(fixed));
  REQUIRE(pair);
  CHECK(pair->window_first_line >= 0);
  CHECK(pair->fixed.rows == kGridRows);
  CHECK(pair->buggy.rows == kGridRows - 5);
  check_edit(*pair);
}

TEST_CASE("a clean long text is windowed around its middle line") {
  const auto pair = encode_pair(tokenizer(), text_of(numbered(200)), text_of(numbered(200)));
  REQUIRE(pair);
  CHECK(pair->window_first_line == 68);
  CHECK(pair->edits.empty());
  CHECK(pair->buggy.rows == kGridRows);
}

TEST_CASE("a change of 63 rows is a window without context and of 64 does not fit") {
  for (const std::size_t changed : {62u, 63u, 64u}) {
    Lines fixed = numbered(150), buggy = fixed;
    for (std::size_t i = 0; i < changed; ++i) buggy[40 + i] = "x";
    const auto pair = encode_pair(tokenizer(), text_of(buggy), text_of(fixed));
    CHECK(static_cast<bool>(pair) == (changed <= 63));
    if (pair) check_edit(*pair);
    if (!pair) CHECK(pair.error().what == "the changed lines need 64 rows of 63");
  }
}

TEST_CASE("an insertion of 63 rows leaves the other side without a line and does not fit") {
  const Lines buggy = numbered(80);
  Lines fixed = buggy;
  for (int i = 0; i < 63; ++i) fixed.insert(fixed.begin() + 40, "w" + std::to_string(i));
  const auto pair = encode_pair(tokenizer(), text_of(buggy), text_of(fixed));
  REQUIRE_FALSE(pair);
  CHECK(pair.error().code == ErrorCode::too_large);
}

TEST_CASE("a context line that has no room ends that side and the other goes on") {
  Lines fixed = numbered(200);
  fixed[95] = std::string(3000, '7');
  Lines buggy = fixed;
  buggy[100] = "x";
  const auto pair = encode_pair(tokenizer(), text_of(buggy), text_of(fixed));
  REQUIRE(pair);
  CHECK(pair->window_first_line == 96);
  check_window(pair->buggy, buggy, 96, 63);
}

TEST_CASE("any pair of texts either has an edit that leads from grid to grid or does not fit") {
  Random random(41);
  int windowed = 0;
  for (int round = 0; round < 400; ++round) {
    Lines fixed = numbered(20 + random.below(120)), buggy;
    for (const auto& line : fixed) {
      const auto choice = random.below(40);
      if (choice == 0) continue;
      if (choice == 1) buggy.push_back(random_bytes(random, random.below(60)));
      buggy.push_back(choice == 2 ? random_code(random, 9) : line);
    }
    const auto pair = encode_pair(tokenizer(), text_of(buggy), text_of(fixed));
    if (!pair) {
      CHECK(pair.error().code == ErrorCode::too_large);
      continue;
    }
    windowed += pair->window_first_line >= 0;
    check_edit(*pair);
  }
  CHECK(windowed > 50);
}
