// Well-formedness of UTF-8, one sequence at a time.
#pragma once

#include <cstddef>
#include <string_view>

namespace mendel::miner {

// Length of the sequence at the front of `text` (not empty), 0 if it is not well formed.
inline std::size_t utf8_length(std::string_view text) {
  const auto c = static_cast<unsigned char>(text[0]);
  if (c < 0x80) return 1;
  const std::size_t n = c >= 0xC2 && c < 0xE0 ? 2 : c >= 0xE0 && c < 0xF0 ? 3 : c >= 0xF0 && c < 0xF5 ? 4 : 0;
  if (n == 0 || n > text.size()) return 0;
  for (std::size_t i = 1; i < n; ++i)
    if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80) return 0;
  const auto d = static_cast<unsigned char>(text[1]);
  const bool overlong = (c == 0xE0 && d < 0xA0) || (c == 0xF0 && d < 0x90);
  const bool outside = (c == 0xED && d > 0x9F) || (c == 0xF4 && d > 0x8F);
  return overlong || outside ? 0 : n;
}

}  // namespace mendel::miner
