// Content hashing with XXH3 (stable across platforms by its specification).
#include "proto/ids.hpp"

#include <xxhash.h>

namespace mendel {

std::uint64_t hash64(std::string_view bytes, std::uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

ContentHash& ContentHash::add(std::string_view field) {
  add(static_cast<std::uint64_t>(field.size()));
  buffer_.append(field);
  return *this;
}

ContentHash& ContentHash::add(std::uint64_t field) {
  for (int i = 0; i < 8; ++i) buffer_.push_back(static_cast<char>(field >> (8 * i) & 255));
  return *this;
}

std::array<std::uint8_t, 16> ContentHash::digest() const {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits(buffer_.data(), buffer_.size()));
  std::array<std::uint8_t, 16> out;
  for (std::size_t i = 0; i < 16; ++i) out[i] = canonical.digest[i];
  return out;
}

}  // namespace mendel
