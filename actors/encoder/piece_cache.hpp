// Ids of pieces seen before, tables of each thread: most pieces of code are short and
// come again at once, and then encoding is one comparison of a few words.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <vector>

namespace mendel::encoder {

// A piece of up to 8 * kWords - 1 bytes as words; its length stands in the top byte, so keys of
// pieces of different length differ.
template <std::size_t kWords>
struct PieceKey {
  static constexpr std::size_t kBytesMax = 8 * kWords - 1;
  std::array<std::uint64_t, kWords> words;

  // `readable`: bytes from `data` on that may be read, >= size.
  static PieceKey of(const char* data, std::size_t size, std::size_t readable) {
    PieceKey key{};
    if (readable >= 8 * kWords) {
      std::memcpy(key.words.data(), data, 8 * kWords);
      for (std::size_t i = 0; i < kWords; ++i) {
        const std::size_t kept = size > 8 * i ? size - 8 * i : 0;
        if (kept < 8) key.words[i] &= (1ull << 8 * kept) - 1;
      }
    } else {
      std::memcpy(key.words.data(), data, size);
    }
    key.words.back() |= static_cast<std::uint64_t>(size) << 56;
    return key;
  }

  std::size_t hash() const {
    std::uint64_t h = words[0];
    for (std::size_t i = 1; i < kWords; ++i) h = (h ^ words[i] * 0x9E3779B97F4A7C15ull) * 0xff51afd7ed558ccdull;
    h ^= h >> 32;
    return h * 0xc4ceb9fe1a85ec53ull >> 32;
  }

  // Without a branch for each word; the compiler would call memcmp for the default.
  bool operator==(const PieceKey& other) const {
    std::uint64_t difference = 0;
    for (std::size_t i = 0; i < kWords; ++i) difference |= words[i] ^ other.words[i];
    return difference == 0;
  }
};

// One slot is half a cache line (kWords 2: up to 6 ids) or a whole one (kWords 4: up to 14 ids).
template <std::size_t kWords>
struct alignas(16 * kWords) CachedPiece {
  static constexpr std::size_t kIdsMax = 4 * kWords - 2;
  PieceKey<kWords> key{};
  std::uint16_t ids[kIdsMax] = {};
  std::uint32_t owner_and_count = 0;  // instance of the tokenizer << 4 | ids in use; 0: free

  std::uint32_t count() const { return owner_and_count & 15; }
  bool holds(const PieceKey<kWords>& wanted, std::uint32_t instance) const {
    return key == wanted && owner_and_count >> 4 == instance;
  }
};

// Sets of two slots: a new piece takes the first and moves what was there to the second.
template <std::size_t kWords>
class PieceCache {
 public:
  struct alignas(32 * kWords) Set {
    CachedPiece<kWords> first, second;
  };

  // `sets` is a power of two.
  explicit PieceCache(std::size_t sets) : sets_(sets) {}

  Set& set_of(const PieceKey<kWords>& key) { return sets_[key.hash() & (sets_.size() - 1)]; }

  // Nothing if the piece is not there.
  static const CachedPiece<kWords>* find(const Set& set, const PieceKey<kWords>& key, std::uint32_t instance) {
    if (set.first.holds(key, instance)) return &set.first;
    return set.second.holds(key, instance) ? &set.second : nullptr;
  }

  // The slot for a new piece.
  static CachedPiece<kWords>& make_room(Set& set) {
    set.second = set.first;
    return set.first;
  }

 private:
  std::vector<Set> sets_;
};

// What a thread keeps: 4 + 4 MiB.
struct PieceCaches {
  PieceCache<2> narrow{1u << 16};
  PieceCache<4> wide{1u << 15};
};

}  // namespace mendel::encoder
