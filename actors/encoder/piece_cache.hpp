// Ids of pieces seen before, one direct-mapped table a thread: most pieces of code are short and come
// again at once, and then encoding is one comparison of 16 bytes.
#pragma once

#include <cstdint>
#include <cstring>
#include <vector>

namespace mendel::encoder {

// A piece of up to 15 bytes as two words; the length stands in the top byte, so keys of pieces of
// different length differ.
struct PieceKey {
  static constexpr std::size_t kBytesMax = 15;
  std::uint64_t low, high;

  // `readable`: bytes from `data` on that may be read, >= size.
  static PieceKey of(const char* data, std::size_t size, std::size_t readable) {
    std::uint64_t words[2] = {0, 0};
    if (readable >= 16) {
      std::memcpy(words, data, 16);
      if (size < 8) {
        words[0] &= (1ull << 8 * size) - 1;
        words[1] = 0;
      } else {
        words[1] &= (1ull << 8 * (size - 8)) - 1;
      }
    } else {
      std::memcpy(words, data, size);
    }
    return {words[0], words[1] | static_cast<std::uint64_t>(size) << 56};
  }
  std::uint64_t hash() const {
    std::uint64_t h = (low ^ high * 0x9E3779B97F4A7C15ull) * 0xff51afd7ed558ccdull;
    h ^= h >> 32;
    return h * 0xc4ceb9fe1a85ec53ull >> 32;
  }
};

struct alignas(32) CachedPiece {
  static constexpr std::size_t kIdsMax = 6;
  std::uint64_t low = 0, high = 0;
  std::uint16_t ids[kIdsMax] = {};
  std::uint32_t owner_and_count = 0;  // instance of the tokenizer << 3 | ids in use; 0: free
};

class PieceCache {
 public:
  static constexpr std::size_t kSlots = 1u << 15;  // 1 MiB, about a core's second-level cache

  CachedPiece& slot_of(const PieceKey& key) { return slots_[key.hash() & (kSlots - 1)]; }

 private:
  std::vector<CachedPiece> slots_ = std::vector<CachedPiece>(kSlots);
};

}  // namespace mendel::encoder
