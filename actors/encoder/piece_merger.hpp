// The ids of one piece, as merging it pair by pair would leave them, without merging.
//
// Byte-pair merging leaves the one row of tokens in which no two neighbours would have grown across
// their border. So pieces are read from the left: the longest token that may follow the one before;
// where none may, one token back. Most pieces take one look at the trie for each token.
// The idea is that of "backtracking BPE" (rust-gems, bpe crate); here ties of equal pairs count too.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <utility>
#include <vector>

#include "actors/encoder/token_trie.hpp"

namespace mendel::encoder {

using Merge = std::pair<std::uint16_t, std::uint16_t>;

// The id that a pair of neighbours merges to. Ids rise in the order of learning, so the smallest id is
// the merge to do first. Open addressing, at most half full; a filter of one bit a hash, small enough
// to stay in cache, answers for most pairs that never merge.
class MergeTable {
 public:
  static constexpr std::uint16_t kNoMerge = std::numeric_limits<std::uint16_t>::max();

  // `merges`: the first makes id kMergeFirst, and so on.
  explicit MergeTable(const std::vector<Merge>& merges = {});

  std::uint16_t find(std::uint32_t left, std::uint32_t right) const {
    const std::uint32_t key = left << 16 | right;
    const std::uint64_t bit = hash_of(key) >> (64 - kFilterBits);
    if (!(filter_[bit >> 6] >> (bit & 63) & 1)) return kNoMerge;
    return slots_[slot_of(key)].made;
  }

 private:
  static constexpr std::uint32_t kFree = ~0u;
  static constexpr int kFilterBits = 19;  // 64 KiB
  struct Slot {
    std::uint32_t key = kFree;
    std::uint16_t made = kNoMerge;
  };
  static std::uint64_t hash_of(std::uint32_t key) { return key * 0x9E3779B97F4A7C15ull; }
  std::size_t slot_of(std::uint32_t key) const {
    const std::size_t mask = slots_.size() - 1;
    std::size_t at = hash_of(key) >> 40 & mask;
    while (slots_[at].key != key && slots_[at].key != kFree) at = (at + 1) & mask;
    return at;
  }

  std::vector<Slot> slots_;
  std::vector<std::uint64_t> filter_;
};

// Immutable after construction; thread-safe.
class PieceMerger {
 public:
  // As for MergeTable; both ids of a merge are bytes or merges before it.
  explicit PieceMerger(const std::vector<Merge>& merges = {});

  // Writes at most `size` ids of the piece of `size` > 0 bytes to `ids` and answers how many. Time grows
  // with the bytes, times the length of the longest token at worst.
  std::size_t merge(const char* bytes, std::size_t size, std::uint16_t* ids) const;

 private:
  // Whether nothing merges across the border of two neighbours before id `limit` is made of them.
  bool border_holds(std::uint16_t left, std::uint16_t right, std::uint32_t limit) const;
  std::size_t merge_with(std::uint64_t* dead, const char* bytes, std::size_t size, std::uint16_t* ids) const;

  MergeTable table_;
  std::vector<Merge> merges_;
  TokenTrie trie_;
  std::vector<std::uint16_t> bytes_of_, shorter_;  // by id: length; the longest token that it begins with and is not
};

}  // namespace mendel::encoder
