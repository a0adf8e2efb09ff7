// Ids of pieces seen before, tables of each thread: most pieces of code are short and
// come again at once, and then encoding is one comparison of a few words.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

namespace mendel::encoder {

// A piece of up to 8 * kWords - 1 bytes as words; its length stands in the top byte, so keys of
// pieces of different length differ.
template <std::size_t kWords>
struct PieceKey {
  static constexpr std::size_t kBytesMax = 8 * kWords - 1;
  std::array<std::uint64_t, kWords> words;

  static constexpr std::size_t kReadBytes = 8 * kWords;

  // All kReadBytes bytes from the piece's start on must be readable.
  static PieceKey of_readable(std::string_view piece) {
    PieceKey key;
    std::memcpy(key.words.data(), piece.data(), kReadBytes);
    for (std::size_t i = 0; i < kWords; ++i) key.words[i] &= kMasks[piece.size()][i];
    key.words.back() |= static_cast<std::uint64_t>(piece.size()) << 56;
    return key;
  }

  // The text that the piece is of ends at `end`.
  static PieceKey of(std::string_view piece, const char* end) {
    if (static_cast<std::size_t>(end - piece.data()) >= kReadBytes) return of_readable(piece);
    char bytes[kReadBytes] = {};
    std::memcpy(bytes, piece.data(), piece.size());
    return of_readable({bytes, piece.size()});
  }

  std::uint64_t hash() const {  // the high bits are the good ones
    constexpr std::uint64_t kFactors[] = {0x9E3779B97F4A7C15, 0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53, 0xD6E8FEB86659FD93};
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < kWords; ++i) sum += words[i] * kFactors[i];
    return sum ^ sum << 32;
  }

  // Without a branch for each word; the compiler would call memcmp for the default.
  bool operator==(const PieceKey& other) const {
    std::uint64_t difference = 0;
    for (std::size_t i = 0; i < kWords; ++i) difference |= words[i] ^ other.words[i];
    return difference == 0;
  }

 private:
  // By size: what of each word belongs to the piece.
  static constexpr auto kMasks = [] {
    std::array<std::array<std::uint64_t, kWords>, kBytesMax + 1> masks{};
    for (std::size_t size = 0; size <= kBytesMax; ++size)
      for (std::size_t i = 0; i < kWords; ++i)
        masks[size][i] = size >= 8 * (i + 1) ? ~0ull : size > 8 * i ? (1ull << 8 * (size - 8 * i)) - 1 : 0;
    return masks;
  }();
};

// One slot is half a cache line (kWords 2: up to 7 ids) or a whole one (kWords 4: up to 15 ids).
template <std::size_t kWords>
struct alignas(16 * kWords) CachedPiece {
  static constexpr std::size_t kIdsMax = 4 * kWords - 1;
  PieceKey<kWords> key{};  // no piece has the key of a free slot: a length is at least 1
  std::uint16_t ids[kIdsMax] = {};
  std::uint16_t count = 0;  // of ids in use
};

// Sets of two slots: a new piece takes the first and moves what was there to the second.
template <std::size_t kWords>
class PieceCache {
 public:
  struct alignas(32 * kWords) Set {
    CachedPiece<kWords> slots[2];
  };

  // 2^bits sets.
  explicit PieceCache(int bits) : shift_(64 - bits), sets_(std::size_t{1} << bits) {}

  Set& set_of(const PieceKey<kWords>& key) { return sets_[key.hash() >> shift_]; }

  // The slot where the piece is if it is there at all: found without a branch, which would be a coin's toss.
  static const CachedPiece<kWords>& candidate(const Set& set, const PieceKey<kWords>& key) { return set.slots[set.slots[0].key != key]; }

  // The slot for a new piece.
  static CachedPiece<kWords>& make_room(Set& set) {
    set.slots[1] = set.slots[0];
    return set.slots[0];
  }

 private:
  int shift_;
  std::vector<Set> sets_;
};

// What a thread keeps: 1 + 0.5 MiB, about a core's own cache; larger ones were slower.
struct PieceCaches {
  std::uint32_t owner = 0;  // instance of the tokenizer that the ids are of
  PieceCache<2> narrow{14};
  PieceCache<4> wide{12};
};

}  // namespace mendel::encoder
