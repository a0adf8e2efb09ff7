// Colours and widths of the two views. Bytes that are not printable ASCII are drawn escaped, so that a row
// is as wide as it is counted.
#include "actors/cli/grid_drawing.hpp"

#include <cctype>
#include <cstdio>

#include "actors/syntax/tokens.hpp"

namespace mendel::cli {
namespace {

using encoder::TokenId;

constexpr std::size_t kColumnsMax = 120;
constexpr std::size_t kGutter = 4;  // row number and a space

// A cell as text, how many columns it takes, and its colour.
struct Drawn {
  std::string text;
  std::size_t columns;
  const char* colour;
};

constexpr const char* kPlain = "";
constexpr const char* kDim = "\033[2m";
constexpr const char* kIndentColour = "\033[34m";
constexpr const char* kKeywordColour = "\033[1;35m";
constexpr const char* kDigitColour = "\033[36m";
constexpr const char* kPunctuationColour = "\033[33m";
constexpr const char* kContinuationColour = "\033[31m";
constexpr const char* kReset = "\033[0m";

// Printable ASCII as it is; every other byte as \xNN.
std::string printable(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7F) {
      out.push_back(c);
    } else {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\x%02x", byte);
      out += escape;
    }
  }
  return out;
}

const char* colour_of(std::string_view word) {
  if (word.empty()) return kPlain;
  const auto first = static_cast<unsigned char>(word.front());
  if (std::isdigit(first)) return kDigitColour;
  if (std::isalpha(first) || first == '_' || first >= 0x80) return syntax::is_keyword(word) ? kKeywordColour : kPlain;
  return kPunctuationColour;
}

Drawn draw_cell(const encoder::Tokenizer& tokenizer, TokenId id) {
  if (id == encoder::kPad) return {"·", 1, kDim};
  if (id == encoder::kEol) return {"⏎", 1, kDim};
  if (id == encoder::kEof) return {"■", 1, kIndentColour};
  if (id == encoder::kContinuation) return {"↪", 1, kContinuationColour};
  if (id < encoder::kByteFirst) {
    std::string spaces = std::to_string(id - encoder::kIndentFirst);
    const std::size_t columns = spaces.size();
    return {std::move(spaces), columns, kIndentColour};
  }
  const auto bytes = tokenizer.bytes_of(id);
  std::string text = printable(bytes);
  const std::size_t columns = text.size();
  return {std::move(text), columns, colour_of(bytes.starts_with(' ') ? bytes.substr(1) : bytes)};
}

void append(std::string& out, const char* colour, std::string_view text, bool colours) {
  const bool on = colours && *colour;
  if (on) out += colour;
  out += text;
  if (on) out += kReset;
}

std::string gutter(std::uint32_t row) {
  char text[16];
  std::snprintf(text, sizeof text, "%3u ", row);
  return text;
}

std::size_t cells_in_use(const encoder::Grid& grid, std::uint32_t row) {
  std::size_t used = encoder::kGridColumns;
  while (used > 0 && grid.ids[row * encoder::kGridColumns + used - 1] == encoder::kPad) --used;
  return used;
}

}  // namespace

std::string legend(bool map) {
  const char* cells = map ? "A line is a row of the grid; a cell is two characters: the start of its token."
                          : "A line is a row of the grid; bars part its cells.";
  return std::string(cells) + "\nFirst cell: spaces of indentation, or ↪ where a long line goes on. ⏎ ends a line of code, ■ the text" +
         (map ? ", · is empty.\n\n" : ".\n\n");
}

std::string draw_map(const encoder::Tokenizer& tokenizer, const encoder::Grid& grid, bool colour) {
  constexpr std::size_t kCellColumns = 2;
  std::string out;
  for (std::uint32_t row = 0; row < grid.rows; ++row) {
    append(out, kDim, gutter(row), colour);
    for (std::size_t column = 0; column < encoder::kGridColumns; ++column) {
      Drawn cell = draw_cell(tokenizer, grid.ids[row * encoder::kGridColumns + column]);
      if (cell.columns > 1 && cell.text.front() == ' ') {
        cell.text.erase(0, 1);
        --cell.columns;
      }
      if (cell.columns > kCellColumns) {
        cell.text.resize(kCellColumns);
        cell.columns = kCellColumns;
      }
      cell.text.append(kCellColumns - cell.columns, ' ');
      append(out, cell.colour, cell.text, colour);
    }
    while (out.ends_with(' ')) out.pop_back();
    out.push_back('\n');
  }
  return out;
}

std::string draw_tokens(const encoder::Tokenizer& tokenizer, const encoder::Grid& grid, bool colour) {
  std::string out;
  for (std::uint32_t row = 0; row < grid.rows; ++row) {
    append(out, kDim, gutter(row), colour);
    std::size_t at = kGutter;
    const std::size_t used = cells_in_use(grid, row);
    for (std::size_t column = 0; column < used; ++column) {
      const Drawn cell = draw_cell(tokenizer, grid.ids[row * encoder::kGridColumns + column]);
      if (at > kGutter && at + cell.columns + 1 > kColumnsMax) {
        out += "\n" + std::string(kGutter, ' ');
        at = kGutter;
      }
      append(out, cell.colour, cell.text, colour);
      append(out, kDim, "│", colour);
      at += cell.columns + 1;
    }
    out.push_back('\n');
  }
  return out;
}

}  // namespace mendel::cli
