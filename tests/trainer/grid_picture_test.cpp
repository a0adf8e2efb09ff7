// Grids as pictures.
#include "actors/trainer/grid_picture.hpp"

#include <doctest/doctest.h>

#include <array>

using namespace mendel;
using namespace mendel::trainer;

namespace {

// The colour in the middle of a cell.
std::array<int, 3> colour(const Pixels& p, std::uint32_t panel, std::uint32_t row, std::uint32_t column) {
  const std::size_t x = panel * (48 * 4 + 8) + column * 4 + 2, y = row * 4 + 2;
  const auto* at = p.rgb.data() + 3 * (y * p.width + x);
  return {at[0], at[1], at[2]};
}

}  // namespace

TEST_CASE("what goes is red before, what comes is green after, and the answer has a panel of its own") {
  model::Sample sample;
  sample.cells = {6, 30, 31, model::kEolId, model::kEosId};
  sample.edit = model::SpanEdit{1, 2, {40, 41}};
  const auto pixels = draw_grids(sample, {2, 2, {50}});
  CHECK(pixels.width == 3 * 48 * 4 + 2 * 8);
  CHECK(pixels.height == 64 * 4);
  const std::array<int, 3> red = {220, 30, 30}, green = {30, 200, 60}, empty = {24, 24, 24};
  CHECK(colour(pixels, 0, 0, 1) == red);
  CHECK(colour(pixels, 1, 0, 2) == green);
  CHECK(colour(pixels, 1, 0, 1) != green);
  CHECK(colour(pixels, 2, 0, 1) == green);
  CHECK(colour(pixels, 2, 0, 2) == green);
  CHECK(colour(pixels, 0, 63, 47) == empty);
  const auto png = png_of(pixels);
  CHECK(png.starts_with("\x89PNG\r\n\x1a\n"));
  CHECK(png.size() < 20000);
  CHECK(png == png_of(pixels));
}
