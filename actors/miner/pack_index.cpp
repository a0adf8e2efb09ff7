// Version 2: magic, version, 256 cumulated counts, ids, checksums, 4-byte offsets, 8-byte offsets, trailer.
// Version 1: the counts, then offset and id side by side, trailer.
#include "actors/miner/pack_index.hpp"

#include <cstddef>

namespace mendel::miner {
namespace {

constexpr std::string_view kMagic = "\xFFtOc";
constexpr std::size_t kCountsBytes = 256 * 4, kIdBytes = 20, kTrailerBytes = 40;
constexpr std::uint64_t kLarge = 0x80000000;  // of a 4-byte offset: the rest numbers an 8-byte one

std::uint64_t number(std::string_view bytes, std::size_t at, std::size_t size = 4) {
  std::uint64_t out = 0;
  for (std::size_t i = 0; i < size; ++i) out = out << 8 | static_cast<unsigned char>(bytes[at + i]);
  return out;
}

bool counts_grow(std::string_view counts) {
  for (std::size_t at = 4; at < kCountsBytes; at += 4)
    if (number(counts, at) < number(counts, at - 4)) return false;
  return true;
}

const char* check_first_version(std::string_view index, std::uint64_t pack_bytes) {
  const auto objects = number(index, kCountsBytes - 4);
  if (index.size() != kCountsBytes + objects * (4 + kIdBytes) + kTrailerBytes) return "its size does not fit its counts";
  for (std::uint64_t i = 0; i < objects; ++i)
    if (number(index, kCountsBytes + i * (4 + kIdBytes)) >= pack_bytes) return "an offset lies outside the pack";
  return "";
}

const char* check_second_version(std::string_view index, std::uint64_t pack_bytes) {
  const auto objects = number(index, kMagic.size() + kCountsBytes);
  const std::uint64_t small = kMagic.size() + 4 + kCountsBytes + objects * (kIdBytes + 4), large = small + objects * 4;
  if (index.size() < large + kTrailerBytes || (index.size() - large - kTrailerBytes) % 8 != 0) return "its size does not fit its counts";
  const auto large_count = (index.size() - large - kTrailerBytes) / 8;
  for (std::uint64_t i = 0; i < objects; ++i) {
    auto offset = number(index, small + i * 4);
    if ((offset & kLarge) != 0) {
      const auto nth = offset & ~kLarge;
      if (nth >= large_count) return "an offset lies outside the index";
      offset = number(index, large + nth * 8, 8);
    }
    if (offset >= pack_bytes) return "an offset lies outside the pack";
  }
  return "";
}

}  // namespace

const char* why_no_pack_index(std::string_view index, std::uint64_t pack_bytes) {
  const bool second = index.starts_with(kMagic);
  const std::size_t head = second ? kMagic.size() + 4 : 0;
  if (index.size() < head + kCountsBytes + kTrailerBytes) return "it ends too early";
  if (second && number(index, kMagic.size()) != 2) return "its version is unknown";
  if (!counts_grow(index.substr(head))) return "its counts are damaged";
  return second ? check_second_version(index, pack_bytes) : check_first_version(index, pack_bytes);
}

}  // namespace mendel::miner
