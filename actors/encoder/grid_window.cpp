// Both sides of a pair as grids, cut to the same window where one is too tall.
#include <algorithm>
#include <string>

#include "actors/encoder/grid.hpp"

namespace mendel::encoder {
namespace {

// A cell sequence with the places of its lines.
struct Side {
  std::vector<TokenId> cells;
  std::vector<std::size_t> line_begins;  // and, last, the place of <eof>

  explicit Side(std::vector<TokenId> of_text) : cells(std::move(of_text)) {
    line_begins.push_back(0);
    for (std::size_t i = 0; i < cells.size(); ++i)
      if (cells[i] == kEol) line_begins.push_back(i + 1);
  }
  std::size_t lines() const { return line_begins.size() - 1; }
  std::span<const TokenId> line(std::size_t i) const {
    return std::span(cells).subspan(line_begins[i], line_begins[i + 1] - line_begins[i]);
  }
  std::uint32_t rows(std::size_t first, std::size_t last) const {
    std::uint32_t sum = 0;
    for (std::size_t i = first; i < last; ++i) sum += rows_of_line(line(i).size());
    return sum;
  }
  std::vector<TokenId> window(std::size_t first, std::size_t last) const {
    const auto at = [&](std::size_t i) { return cells.begin() + static_cast<std::ptrdiff_t>(line_begins[i]); };
    std::vector<TokenId> out(at(first), at(last));
    out.push_back(kEof);
    return out;
  }
};

bool same_line(const Side& a, std::size_t i, const Side& b, std::size_t j) {
  const auto left = a.line(i), right = b.line(j);
  return std::equal(left.begin(), left.end(), right.begin(), right.end());
}

// How many lines are equal at the start and, apart from those, at the end.
struct CommonLines {
  std::size_t before, after;
};

CommonLines common_lines(const Side& buggy, const Side& fixed) {
  const std::size_t shorter = std::min(buggy.lines(), fixed.lines());
  CommonLines common{0, 0};
  while (common.before < shorter && same_line(buggy, common.before, fixed, common.before)) ++common.before;
  if (common.before == buggy.lines() && common.before == fixed.lines()) {
    const std::size_t middle = common.before / 2;
    return {middle, common.before - middle};
  }
  while (common.after < shorter - common.before &&
         same_line(buggy, buggy.lines() - 1 - common.after, fixed, fixed.lines() - 1 - common.after))
    ++common.after;
  return common;
}

// Lines of context around the change: one before and one after in turn; a side ends where its next
// line has no room.
CommonLines context(const Side& buggy, CommonLines common, std::uint32_t room) {
  CommonLines taken{0, 0};
  bool before_open = true, after_open = true;
  const auto take = [&](std::size_t& count, bool& open, std::size_t limit, auto line) {
    if (!open) return;
    open = count < limit;
    if (!open) return;
    const std::uint32_t rows = rows_of_line(buggy.line(line()).size());
    open = rows <= room;
    if (!open) return;
    room -= rows;
    ++count;
  };
  while (before_open || after_open) {
    take(taken.before, before_open, common.before, [&] { return common.before - 1 - taken.before; });
    take(taken.after, after_open, common.after, [&] { return buggy.lines() - common.after + taken.after; });
  }
  return taken;
}

Error does_not_fit(std::uint32_t rows) {
  return {ErrorCode::too_large,
          "the changed lines need " + std::to_string(rows) + " rows of " + std::to_string(kGridRows - 1)};
}

}  // namespace

Result<EncodedPair> encode_pair(const Tokenizer& tokenizer, std::string_view buggy_text, std::string_view fixed_text) {
  Side buggy(text_to_cells(tokenizer, buggy_text)), fixed(text_to_cells(tokenizer, fixed_text));
  Result<EncodedPair> out{EncodedPair{}};
  EncodedPair& pair = out.value();
  if (std::max(buggy.rows(0, buggy.lines()), fixed.rows(0, fixed.lines())) >= kGridRows) {
    const CommonLines common = common_lines(buggy, fixed);
    const std::uint32_t changed = std::max(buggy.rows(common.before, buggy.lines() - common.after),
                                           fixed.rows(common.before, fixed.lines() - common.after));
    if (changed >= kGridRows) return does_not_fit(changed);
    const CommonLines around = context(buggy, common, kGridRows - 1 - changed);
    const std::size_t first = common.before - around.before;
    const std::size_t cut_after = common.after - around.after;
    // A grid needs a line: where one side only lacks lines, no room for context leaves it empty.
    if (first == buggy.lines() - cut_after || first == fixed.lines() - cut_after) return does_not_fit(changed + 1);
    buggy.cells = buggy.window(first, buggy.lines() - cut_after);
    fixed.cells = fixed.window(first, fixed.lines() - cut_after);
    pair.window_first_line = static_cast<std::int32_t>(first);
  }
  const auto buggy_grid = cells_to_grid(buggy.cells), fixed_grid = cells_to_grid(fixed.cells);
  if (!buggy_grid) return buggy_grid.error();
  if (!fixed_grid) return fixed_grid.error();
  pair.buggy = *buggy_grid;
  pair.fixed = *fixed_grid;
  if (auto edit = span_edit(buggy.cells, fixed.cells)) pair.edits.push_back(std::move(*edit));
  return out;
}

}  // namespace mendel::encoder
