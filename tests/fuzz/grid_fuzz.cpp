// Grids of dataset rows, and any text as a grid. The first byte chooses.
#include <cstring>

#include "actors/encoder/grid.hpp"
#include "actors/encoder/tokenizer.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace mendel;

namespace {

const encoder::Tokenizer& tokenizer() {
  static const auto kTokenizer = [] {
    constexpr std::string_view kText = "def total(values):\n    result = 0\n    for value in values:\n        result += value\n    return result\n";
    const std::string_view texts[] = {kText, kText, kText};
    return encoder::Tokenizer::train(texts, {400, 2});
  }();
  return kTokenizer;
}

void read_grid(std::string_view bytes) {
  std::array<std::int16_t, encoder::kGridCells> ids{};
  std::memcpy(ids.data(), bytes.data(), std::min(bytes.size(), sizeof ids));
  const auto cells = encoder::grid_to_cells(ids, tokenizer().size());
  if (!cells) return;
  const auto grid = encoder::cells_to_grid(*cells);
  fuzz::claim(grid && grid->ids == ids, "a grid that can be read is the one that its cells give");
  (void)encoder::cells_to_text(tokenizer(), *cells, encoder::Spelling::any);
}

void write_grid(std::string_view text) {
  const auto cells = encoder::text_to_cells(tokenizer(), text);
  const auto back = encoder::cells_to_text(tokenizer(), cells);
  fuzz::claim(back && *back == text, "text comes back byte for byte");
  if (const auto grid = encoder::cells_to_grid(cells)) {
    const auto again = encoder::grid_to_cells(grid->ids, tokenizer().size());
    fuzz::claim(again && *again == cells, "cells come back from their grid");
  }
  const auto half = text.size() / 2;
  if (const auto pair = encoder::encode_pair(tokenizer(), text.substr(0, half), text.substr(half))) fuzz::claim(pair->edits.size() <= 1, "a pair has one edit");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto rest = fuzz::text_of(data + 1, size - 1);
  data[0] % 2 == 0 ? read_grid(rest) : write_grid(rest);
  return 0;
}
