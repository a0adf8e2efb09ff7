// Grids as people look at them: each row with its tokens in full, or a map of two characters a cell.
// Both stay within 120 columns.
#pragma once

#include <string>

#include "actors/encoder/grid.hpp"

namespace mendel::cli {

// Two lines that explain what follows.
std::string legend(bool map);

// One line a row in use: number, 48 cells of two characters.
std::string draw_map(const encoder::Tokenizer& tokenizer, const encoder::Grid& grid, bool colour);

// One line a row in use, wrapped: number, tokens between bars.
std::string draw_tokens(const encoder::Tokenizer& tokenizer, const encoder::Grid& grid, bool colour);

}  // namespace mendel::cli
