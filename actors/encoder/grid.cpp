// Laying cells out and reading them back. Reading is strict: a grid that laying out could not have made
// is corrupt, with the cell that shows it.
#include "actors/encoder/grid.hpp"

#include <algorithm>
#include <cassert>
#include <string>

#include "actors/encoder/lines.hpp"

namespace mendel::encoder {
namespace {

bool is_indent(TokenId id) { return id >= kIndentFirst && id < kByteFirst; }
bool is_text(TokenId id) { return id >= kByteFirst; }

Error corrupt_cell(std::size_t cell, std::string_view what) {
  return {ErrorCode::corrupt, "cell " + std::to_string(cell) + ": " + std::string(what)};
}

// One line of a cell sequence, from its indent cell to its <eol>.
struct LineCells {
  std::size_t begin, end;  // cells; `end` one past <eol>
};

// The line that starts at `begin`, if it is one.
Result<LineCells> line_at(std::span<const TokenId> cells, std::size_t begin, std::uint32_t vocabulary) {
  if (!is_indent(cells[begin])) return corrupt_cell(begin, "a line must start with an indent");
  for (std::size_t at = begin + 1; at < cells.size(); ++at) {
    if (cells[at] == kEol) return LineCells{begin, at + 1};
    if (!is_text(cells[at]) || static_cast<std::uint32_t>(cells[at]) >= vocabulary)
      return corrupt_cell(at, "id " + std::to_string(cells[at]) + " cannot stand inside a line");
  }
  return corrupt_cell(cells.size(), "the last line has no <eol>");
}

// Appends the text of one line; the cells are known to be a line.
Outcome append_line(const Tokenizer& tokenizer, std::span<const TokenId> cells, LineCells line, Spelling spelling,
                    std::string& out) {
  const auto indent = static_cast<std::size_t>(cells[line.begin] - kIndentFirst);
  out.append(indent, ' ');
  const std::size_t body_begin = out.size();
  const auto body = cells.subspan(line.begin + 1, line.end - line.begin - 2);
  for (std::size_t i = 0; i < body.size(); ++i) {
    const auto bytes = tokenizer.bytes_of(body[i]);
    if (bytes.find('\n') != bytes.npos) return corrupt_cell(line.begin + 1 + i, "a line feed inside a line");
    out.append(bytes);
  }
  const auto text = std::string_view(out).substr(body_begin);
  if (indent + 1 < static_cast<std::size_t>(kIndentCount) && text.starts_with(' '))
    return corrupt_cell(line.begin, "spaces after the indent that belong to it");
  if (spelling == Spelling::canonical) {
    std::vector<TokenId> again;
    tokenizer.encode(text, again);
    if (!std::equal(again.begin(), again.end(), body.begin(), body.end()))
      return corrupt_cell(line.begin, "the line has other tokens than the tokenizer gives");
  }
  return Done{};
}

// Puts `cells` of one line into rows from `row` on; answers the next free row.
std::uint32_t lay_out_line(std::span<const TokenId> line, std::uint32_t row, Grid& grid) {
  std::int16_t* at = &grid.ids[row * kGridColumns];
  std::size_t room = kGridColumns;
  for (std::size_t i = 0; i < line.size(); ++i, --room) {
    if (room == 0) {
      *at++ = static_cast<std::int16_t>(kContinuation);
      room = kGridColumns - 1;
    }
    *at++ = static_cast<std::int16_t>(line[i]);
  }
  return row + rows_of_line(line.size());
}

Error corrupt_row(std::uint32_t row, std::string_view what) {
  return {ErrorCode::corrupt, "row " + std::to_string(row) + ": " + std::string(what)};
}

using GridRow = std::span<const std::int16_t, kGridColumns>;

bool all_padding(std::span<const std::int16_t> ids) {
  return std::all_of(ids.begin(), ids.end(), [](std::int16_t id) { return id == kPad; });
}

// Appends the cells of one row of a line. `open`: the line before goes on here; afterwards: it goes
// on in the next row.
Outcome read_row(GridRow ids, std::uint32_t row, std::uint32_t vocabulary, bool& open, std::vector<TokenId>& cells) {
  if (open && ids[0] != kContinuation) return corrupt_row(row, "does not go on with the line before");
  if (!open && !is_indent(ids[0])) return corrupt_row(row, "does not start with an indent");
  if (!open) cells.push_back(ids[0]);
  for (std::size_t column = 1; column < kGridColumns; ++column) {
    const TokenId id = ids[column];
    if (id == kEol) {
      cells.push_back(id);
      open = false;
      if (!all_padding(ids.subspan(column + 1))) return corrupt_row(row, "cells after <eol>");
      return Done{};
    }
    if (!is_text(id) || static_cast<std::uint32_t>(id) >= vocabulary)
      return corrupt_row(row, "id " + std::to_string(id) + " in column " + std::to_string(column));
    cells.push_back(id);
  }
  open = true;
  return Done{};
}

// A window being filled: lines until the next would not leave a row for <eof>.
struct Filling {
  Window window{{}, 0, 0};
  std::uint32_t row = 0;

  void close(std::vector<Window>& out) {
    window.grid.ids[row * kGridColumns] = static_cast<std::int16_t>(kEof);
    window.grid.rows = row + 1;
    out.push_back(window);
    window = Window{{}, window.first_line + window.line_count, 0};
    row = 0;
  }
};

}  // namespace

std::vector<TokenId> text_to_cells(const Tokenizer& tokenizer, std::string_view text) {
  std::vector<TokenId> cells;
  cells.reserve(text.size() / 2 + 4);
  for_each_line(text, [&](const Line& line) {
    cells.push_back(kIndentFirst + static_cast<TokenId>(line.indent));
    tokenizer.encode(line.body, cells);
    cells.push_back(kEol);
  });
  cells.push_back(kEof);
  return cells;
}

Result<std::string> cells_to_text(const Tokenizer& tokenizer, std::span<const TokenId> cells, Spelling spelling) {
  std::string out;
  std::size_t at = 0;
  if (cells.empty() || cells[0] == kEof) return corrupt_cell(0, "there must be a line before <eof>");
  while (at < cells.size() && cells[at] != kEof) {
    const auto line = line_at(cells, at, tokenizer.size());
    if (!line) return line.error();
    if (at) out.push_back('\n');
    if (auto done = append_line(tokenizer, cells, *line, spelling, out); !done) return done.error();
    at = line->end;
  }
  if (at == cells.size()) return corrupt_cell(at, "no <eof>");
  if (at + 1 != cells.size()) return corrupt_cell(at + 1, "cells after <eof>");
  return out;
}

Result<std::vector<Window>> windows_of(std::span<const TokenId> cells) {
  std::vector<Window> out;
  Filling filling;
  std::size_t at = 0;
  while (at < cells.size() && cells[at] != kEof) {
    const auto line = line_at(cells, at, kVocabularyMax);
    if (!line) return line.error();
    const std::uint32_t rows = rows_of_line(line->end - line->begin);
    const std::uint32_t number = filling.window.first_line + filling.window.line_count;
    if (rows >= kGridRows)
      return Error{ErrorCode::too_large, "line " + std::to_string(number + 1) + " alone needs " + std::to_string(rows) +
                                             " rows of " + std::to_string(kGridRows - 1)};
    if (filling.row + rows >= kGridRows) filling.close(out);
    filling.row = lay_out_line(cells.subspan(line->begin, line->end - line->begin), filling.row, filling.window.grid);
    ++filling.window.line_count;
    at = line->end;
  }
  if (at + 1 != cells.size() || filling.window.line_count == 0) return corrupt_cell(at, "not a cell sequence");
  filling.close(out);
  return out;
}

Result<Grid> cells_to_grid(std::span<const TokenId> cells) {
  Result<Grid> out{Grid{}};
  Grid& grid = out.value();
  std::uint32_t row = 0;
  std::size_t at = 0;
  while (at < cells.size() && cells[at] != kEof) {
    const auto line = line_at(cells, at, kVocabularyMax);
    if (!line) return line.error();
    const std::size_t size = line->end - line->begin;
    if (row + rows_of_line(size) < kGridRows) {
      row = lay_out_line(cells.subspan(at, size), row, grid);
    } else {
      row += rows_of_line(size);  // only counted from here on: `row` never falls below 64 again
    }
    at = line->end;
  }
  if (at + 1 != cells.size() || at == 0) return corrupt_cell(at, "not a cell sequence");
  if (row + 1 > kGridRows)
    return Error{ErrorCode::too_large, "needs " + std::to_string(row + 1) + " rows of " + std::to_string(kGridRows)};
  grid.ids[row * kGridColumns] = static_cast<std::int16_t>(kEof);
  grid.rows = row + 1;
  return out;
}

Result<std::vector<TokenId>> grid_to_cells(std::span<const std::int16_t> ids, std::uint32_t vocabulary) {
  if (ids.size() != kGridCells)
    return Error{ErrorCode::corrupt, "a grid has " + std::to_string(kGridCells) + " ids, not " + std::to_string(ids.size())};
  std::vector<TokenId> cells;
  bool open = false;
  for (std::uint32_t row = 0; row < kGridRows; ++row) {
    const auto rest = ids.subspan(row * kGridColumns);
    if (rest[0] == kEof && !open && row > 0) {
      if (!all_padding(rest.subspan(1))) return corrupt_row(row, "cells after <eof>");
      cells.push_back(kEof);
      return cells;
    }
    if (auto done = read_row(rest.first<kGridColumns>(), row, vocabulary, open, cells); !done) return done.error();
  }
  return corrupt_row(kGridRows - 1, "no <eof>");
}

std::vector<Position> positions(std::span<const TokenId> cells) {
  std::vector<Position> out;
  out.reserve(cells.size());
  std::uint32_t row = 0, column = 0;
  for (const auto id : cells) {
    if (column == kGridColumns) {
      ++row;
      column = 1;
    }
    out.push_back({static_cast<std::uint16_t>(row), static_cast<std::uint16_t>(column)});
    ++column;
    if (id == kEol) {
      ++row;
      column = 0;
    }
  }
  return out;
}

std::optional<SpanEdit> span_edit(std::span<const TokenId> buggy, std::span<const TokenId> fixed) {
  const std::size_t shorter = std::min(buggy.size(), fixed.size());
  std::size_t prefix = 0;
  while (prefix < shorter && buggy[prefix] == fixed[prefix]) ++prefix;
  if (prefix == buggy.size() && prefix == fixed.size()) return std::nullopt;
  std::size_t suffix = 0;
  while (suffix < shorter - prefix && buggy[buggy.size() - 1 - suffix] == fixed[fixed.size() - 1 - suffix]) ++suffix;
  const auto tokens = fixed.subspan(prefix, fixed.size() - prefix - suffix);
  return SpanEdit{static_cast<std::uint32_t>(prefix), static_cast<std::uint32_t>(buggy.size() - suffix),
                  {tokens.begin(), tokens.end()}};
}

std::vector<TokenId> apply_edit(std::span<const TokenId> cells, const SpanEdit& edit) {
  assert(edit.first <= edit.end && edit.end <= cells.size());
  std::vector<TokenId> out;
  out.reserve(cells.size() + edit.tokens.size());
  const auto at = [&](std::uint32_t cell) { return cells.begin() + static_cast<std::ptrdiff_t>(cell); };
  out.insert(out.end(), cells.begin(), at(edit.first));
  out.insert(out.end(), edit.tokens.begin(), edit.tokens.end());
  out.insert(out.end(), at(edit.end), cells.end());
  return out;
}

}  // namespace mendel::encoder
