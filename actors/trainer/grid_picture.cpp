// Cells to coloured squares, squares to a PNG by zlib.
#include "actors/trainer/grid_picture.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>

#include "actors/encoder/grid.hpp"
#include "actors/trainer/model_edit.hpp"

namespace mendel::trainer {
namespace {

using Colour = std::array<std::uint8_t, 3>;

constexpr std::uint32_t kCell = 4, kGap = 8;  // pixels
constexpr Colour kEmpty = {24, 24, 24}, kBetween = {255, 255, 255}, kGone = {220, 30, 30}, kNew = {30, 200, 60};

// Greys and blues, so that red and green stand out.
Colour colour_of(std::int16_t token) {
  const auto mixed = (static_cast<std::uint32_t>(token) * 2654435761u) >> 16;
  const auto level = static_cast<std::uint8_t>(70 + mixed % 110);
  return {level, level, static_cast<std::uint8_t>(level + mixed / 256 % 70)};
}

void fill(Pixels& out, std::uint32_t panel, std::uint32_t row, std::uint32_t column, const Colour& colour) {
  const auto left = panel * (encoder::kGridColumns * kCell + kGap) + column * kCell;
  for (std::uint32_t y = row * kCell; y < (row + 1) * kCell; ++y)
    for (std::uint32_t x = left; x < left + kCell; ++x) std::copy(colour.begin(), colour.end(), out.rgb.begin() + 3 * (std::ptrdiff_t{y} * out.width + x));
}

// Cells [first, end) in a colour of their own.
void draw(Pixels& out, std::uint32_t panel, const std::vector<encoder::TokenId>& cells, std::size_t first, std::size_t end, const Colour& special) {
  for (std::uint32_t row = 0; row < encoder::kGridRows; ++row)
    for (std::uint32_t column = 0; column < encoder::kGridColumns; ++column) fill(out, panel, row, column, kEmpty);
  const auto places = encoder::positions(cells);
  for (std::size_t i = 0; i < cells.size(); ++i)
    if (places[i].row < encoder::kGridRows && places[i].column < encoder::kGridColumns)
      fill(out, panel, places[i].row, places[i].column, i >= first && i < end ? special : colour_of(static_cast<std::int16_t>(cells[i])));
}

void put_u32(std::string& out, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift);
}

void put_chunk(std::string& out, std::string kind, const std::string& data) {
  put_u32(out, static_cast<std::uint32_t>(data.size()));
  kind += data;
  out += kind;
  put_u32(out, static_cast<std::uint32_t>(::crc32(0, reinterpret_cast<const Bytef*>(kind.data()), static_cast<uInt>(kind.size()))));
}

}  // namespace

Pixels draw_grids(const model::Sample& sample, const model::SpanEdit& answer) {
  Pixels out;
  out.width = 3 * encoder::kGridColumns * kCell + 2 * kGap;
  out.height = encoder::kGridRows * kCell;
  for (std::size_t i = 0; i < std::size_t{out.width} * out.height; ++i) out.rgb.insert(out.rgb.end(), kBetween.begin(), kBetween.end());
  const std::vector<encoder::TokenId> before(sample.cells.begin(), sample.cells.end());
  const auto wanted = sample.edit.value_or(model::SpanEdit{0, 0, {}});
  draw(out, 0, before, wanted.first, wanted.end, kGone);
  draw(out, 1, applied(before, answer), answer.first, answer.first + answer.tokens.size(), kNew);
  draw(out, 2, applied(before, wanted), wanted.first, wanted.first + wanted.tokens.size(), kNew);
  return out;
}

std::string png_of(const Pixels& pixels) {
  std::string head, lines;
  put_u32(head, pixels.width);
  put_u32(head, pixels.height);
  head += std::string("\x08\x02\x00\x00\x00", 5);  // depth 8, RGB, deflate, no filter, no interlace
  const std::size_t stride = std::size_t{3} * pixels.width;
  for (std::uint32_t y = 0; y < pixels.height; ++y) {
    lines += '\0';
    lines.append(reinterpret_cast<const char*>(pixels.rgb.data()) + y * stride, stride);
  }
  auto size = ::compressBound(static_cast<uLong>(lines.size()));
  std::string packed(size, '\0');
  ::compress2(reinterpret_cast<Bytef*>(packed.data()), &size, reinterpret_cast<const Bytef*>(lines.data()), static_cast<uLong>(lines.size()), Z_BEST_COMPRESSION);
  packed.resize(size);
  std::string out = "\x89PNG\r\n\x1a\n";
  put_chunk(out, "IHDR", head);
  put_chunk(out, "IDAT", packed);
  put_chunk(out, "IEND", "");
  return out;
}

}  // namespace mendel::trainer
