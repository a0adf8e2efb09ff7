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
// corrupt if the cells are not a sequence that text_to_cells can give (a model may propose such).
Result<std::string> cells_to_text(const Tokenizer& tokenizer, std::span<const TokenId> cells);

struct Grid {
  std::array<std::int16_t, kGridCells> ids{};  // row-major 64x48
  std::uint32_t rows = 0;  // rows in use
};

// Lays cells out. too_large names the rows needed if they are over 64: cut a window first.
Result<Grid> cells_to_grid(std::span<const TokenId> cells);
// corrupt on ids out of range, a gap, or a row that does not start as a row must.
Result<std::vector<TokenId>> grid_to_cells(std::span<const std::int16_t> ids, std::uint32_t vocabulary);

// Row and column of each cell of a sequence in its grid.
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
std::vector<TokenId> apply_edit(std::span<const TokenId> cells, const SpanEdit& edit);

// Both sides of a pair as grids, windowed around the edit where a side needs over 64 rows.
struct EncodedPair {
  Grid buggy, fixed;
  std::vector<SpanEdit> edits;  // over the (windowed) cell sequences; empty for a clean sample
  std::int32_t window_first_line = -1;  // -1: whole text
};
// too_large if even the window around the edit does not fit.
Result<EncodedPair> encode_pair(const Tokenizer& tokenizer, std::string_view buggy, std::string_view fixed);

}  // namespace mendel::encoder
