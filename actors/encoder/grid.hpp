// Code as a 64x48 grid of token ids, and back byte for byte.
//
// A line is a row: <I n> for n leading spaces, its tokens, <eol>; <eof> stands alone in the row after
// the last line; <pad> fills up. A line over 48 cells goes on in the next row after <cont>. The *cell
// sequence* is the grid read row by row without <pad> and <cont>; edits and models use its indices.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "actors/encoder/tokenizer.hpp"

namespace mendel::encoder {

inline constexpr std::uint32_t kGridRows = 64;
inline constexpr std::uint32_t kGridColumns = 48;
inline constexpr std::uint32_t kGridCells = kGridRows * kGridColumns;

// Cells of a text, no layout: per line <I n>, tokens, <eol>; then <eof>. Lines are what '\n'
// separates, so every byte string has exactly one cell sequence and cells_to_text inverts it. Leading
// spaces beyond 63 and any other leading white space are tokens after the indent cell.
std::vector<TokenId> text_to_cells(const Tokenizer& tokenizer, std::string_view text);

enum class Spelling {
  canonical,  // only the tokens that the tokenizer itself gives: what stored grids hold
  any,  // other tokens for the same bytes too: what a model may propose
};
// corrupt if the cells are not a sequence that text_to_cells can give: a special where none may be, a
// line feed inside a line, a space after an indent cell that it belongs to, a missing <eol> or <eof>.
Result<std::string> cells_to_text(const Tokenizer& tokenizer, std::span<const TokenId> cells,
                                  Spelling spelling = Spelling::canonical);

struct Grid {
  std::array<std::int16_t, kGridCells> ids{};  // row-major 64x48
  std::uint32_t rows = 0;  // rows in use
};

// Rows that a line of `cells` cells (indent and <eol> counted) takes.
constexpr std::uint32_t rows_of_line(std::size_t cells) {
  if (cells <= kGridColumns) return 1;
  return static_cast<std::uint32_t>(1 + (cells - kGridColumns + kGridColumns - 2) / (kGridColumns - 1));
}

// Lays cells out. too_large names the rows needed if they are over 64: cut a window first. The cells
// must be such as text_to_cells gives (corrupt otherwise).
Result<Grid> cells_to_grid(std::span<const TokenId> cells);
// corrupt on ids out of range, a gap, or a row that does not start as a row must.
Result<std::vector<TokenId>> grid_to_cells(std::span<const std::int16_t> ids, std::uint32_t vocabulary);

// Row and column of each cell of a sequence in its grid; of sequences that fit one.
struct Position {
  std::uint16_t row, column;
};
std::vector<Position> positions(std::span<const TokenId> cells);

// The canonical edit: longest common prefix first, then suffix. Nothing if equal.
struct SpanEdit {
  std::uint32_t first, end;  // cells [first, end) of the buggy side
  std::vector<TokenId> tokens;  // stand there instead
};
std::optional<SpanEdit> span_edit(std::span<const TokenId> buggy, std::span<const TokenId> fixed);
// `edit` must lie within `cells`.
std::vector<TokenId> apply_edit(std::span<const TokenId> cells, const SpanEdit& edit);

// Both sides of a pair as grids, windowed around the edit where a side needs over 64 rows.
struct EncodedPair {
  Grid buggy, fixed;
  std::vector<SpanEdit> edits;  // over the (windowed) cell sequences; empty for a clean sample
  std::int32_t window_first_line = -1;  // -1: whole text
};
// Where a side needs over 64 rows, both are cut to the changed lines and as many equal lines around
// them as fit, one before and one after in turn; of equal sides, around the middle line. A window is
// a text of its own: it ends in <eof> and has an edit within. too_large if even the changed lines do
// not fit.
Result<EncodedPair> encode_pair(const Tokenizer& tokenizer, std::string_view buggy, std::string_view fixed);

// The whole text in windows that follow each other without overlap, each as large as fits: what proves
// every byte of a long text. too_large if a single line needs more than a grid.
struct Window {
  Grid grid;
  std::uint32_t first_line, line_count;
};
Result<std::vector<Window>> windows_of(std::span<const TokenId> cells);

}  // namespace mendel::encoder
