// Cuts a file into the pieces that a model is shown, and puts a mended piece back byte for byte.
//
// A sound file is cut at its functions (tree-sitter). A file that CPython refuses is cut by lines that
// start with `def`, because the bug itself may hide the function from any parser.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actors/syntax/tree.hpp"
#include "proto/result.hpp"

namespace mendel::trainer {

// Whole lines of a file as a text of its own.
struct Piece {
  std::string text;  // dedented, lines end in '\n' alone, none at the end
  std::string indent;  // removed from each line that is neither blank nor begins inside a string
  syntax::Range bytes;  // in the file, without the last line feed
  std::uint32_t line_begin = 0, line_end = 0;  // 0-based, one past the last
  std::string symbol;  // dotted name of the function, empty for other code
  bool carriage_returns = false;  // the lines of the file end in "\r\n", all of them
};

// The outermost functions and methods of a sound file, in order. Functions that share a line with other
// code are left out.
Result<std::vector<Piece>> function_pieces(std::string_view file);

// The same by lines alone: from the decorators of a `def` to the last line that is indented further.
std::vector<Piece> line_pieces(std::string_view file);

// What holds line `line` (0-based) where no function ends as it should: from the last `def` above it to
// the next `def`, `class` or decorator that is not indented further; or the lines between two functions.
std::optional<Piece> piece_around(std::string_view file, std::uint32_t line);

// The whole text but line feeds at its end.
Piece whole_piece(std::string_view file);

// `file` with the piece's lines replaced by those of `text`. Lines that are equal at the start and at
// the end keep their bytes; changed ones get the piece's indent and line ends. So put_back(file, piece,
// piece.text) is `file`.
std::string put_back(std::string_view file, const Piece& piece, std::string_view text);

}  // namespace mendel::trainer
