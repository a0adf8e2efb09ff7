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
// the merge to do first. Open addressing, at most half full.
class MergeTable {
 public:
  static constexpr std::uint16_t kNoMerge = 0xFFFF;

  MergeTable() : slots_(1, Slot{kFree, kNoMerge}) {}
  explicit MergeTable(const std::vector<Merge>& merges);

  std::uint16_t find(std::uint32_t left, std::uint32_t right) const {
    const std::uint32_t key = left << 16 | right;
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t at = hash_of(key) & mask;; at = (at + 1) & mask) {
      if (slots_[at].key == key) return slots_[at].made;
      if (slots_[at].key == kFree) return kNoMerge;
    }
  }

 private:
  static constexpr std::uint32_t kFree = ~0u;
  struct Slot {
    std::uint32_t key;
    std::uint16_t made;
  };
  static std::size_t hash_of(std::uint32_t key) { return key * 0x9E3779B97F4A7C15ull >> 40; }

  std::vector<Slot> slots_;
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
