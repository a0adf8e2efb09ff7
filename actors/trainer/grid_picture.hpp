// A function's grid as a picture: before, as the model mends it, as it should be, side by side.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/sample.hpp"

namespace mendel::trainer {

struct Pixels {
  std::uint32_t width = 0, height = 0;
  std::vector<std::uint8_t> rgb;  // row-major, three bytes a pixel
};

// Three grids of 64 rows and 48 columns from left to right; a cell's colour follows from its token. What the edit
// takes away is red in the first, what it puts there green in the others. Without an edit in the sample the third
// is the first.
Pixels draw_grids(const model::Sample& sample, const model::SpanEdit& answer);

// PNG, 8 bit RGB, no filter. The same pixels, the same bytes with one zlib.
std::string png_of(const Pixels& pixels);

}  // namespace mendel::trainer
