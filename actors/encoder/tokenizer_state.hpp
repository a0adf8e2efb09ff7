// What a Tokenizer holds: built once from the merges, read-only afterwards.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "actors/encoder/tokenizer.hpp"

namespace mendel::encoder {

using Merge = std::pair<std::uint16_t, std::uint16_t>;

// The id that a pair of neighbours merges to. Ids rise in the order of learning, so the smallest id is
// the merge to do first. Open addressing, at most half full; a filter of one bit a hash, small enough
// to stay in cache, answers for most pairs that never merge, and pairs of bytes have a table of their
// own.
class MergeTable {
 public:
  static constexpr std::uint16_t kNoMerge = 0xFFFF;

  MergeTable() : MergeTable(std::vector<Merge>()) {}
  explicit MergeTable(const std::vector<Merge>& merges);

  std::uint16_t find(std::uint32_t left, std::uint32_t right) const {
    const std::uint32_t key = left << 16 | right;
    const std::uint64_t hash = hash_of(key);
    if (!(filter_[hash >> (64 - kFilterBits) >> 6] >> (hash >> (64 - kFilterBits) & 63) & 1)) return kNoMerge;
    return slots_[slot_of(key)].made;
  }
  std::uint16_t find_bytes(unsigned char left, unsigned char right) const { return of_bytes_[left << 8 | right]; }

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
  std::vector<std::uint16_t> of_bytes_;  // by both bytes
};

struct Tokenizer::State {
  std::vector<Merge> merges;
  MergeTable table;
  std::string bytes;  // of all tokens, one after the other
  std::vector<std::uint32_t> bytes_end;  // by id, into `bytes`
  std::vector<std::uint64_t> frequencies;  // by id
  std::string hash;
  std::uint32_t instance;  // tells this tokenizer's entries in the piece caches of threads apart

  std::string_view bytes_of(TokenId id) const {
    const auto i = static_cast<std::size_t>(id);
    const std::uint32_t begin = i ? bytes_end[i - 1] : 0;
    return std::string_view(bytes).substr(begin, bytes_end[i] - begin);
  }
  std::uint32_t size() const { return static_cast<std::uint32_t>(bytes_end.size()); }
  // One token as files have it: specials by name, the rest in the byte-level alphabet.
  std::string written(TokenId id) const;
  // The content of merges.txt.
  std::string merges_text() const;

  // Both ids of a merge must be bytes or merges before it. `frequencies` may be empty: all 0. corrupt if a token is over kPieceBytesMax
  // bytes long.
  static Result<std::unique_ptr<State>> build(std::vector<Merge> merges, std::vector<std::uint64_t> frequencies);
};

}  // namespace mendel::encoder
