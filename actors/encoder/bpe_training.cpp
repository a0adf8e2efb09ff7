// Counting distinct pieces, then merging: the pair heap is lazy, an entry whose count is out of date is
// put back with the right one when it comes up.
#include "actors/encoder/bpe_training.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <queue>

#include "actors/encoder/byte_alphabet.hpp"
#include "actors/encoder/lines.hpp"
#include "actors/encoder/pretokenizer.hpp"

namespace mendel::encoder {
namespace {

constexpr std::uint64_t kGolden = 0x9E3779B97F4A7C15ull;

std::uint64_t hash_of(std::string_view piece) {
  std::uint64_t hash = piece.size() * kGolden;
  const char* at = piece.data();
  std::size_t left = piece.size();
  for (; left >= 8; at += 8, left -= 8) {
    std::uint64_t word;
    std::memcpy(&word, at, 8);
    hash = (hash ^ word) * 0xff51afd7ed558ccdull;
    hash ^= hash >> 32;
  }
  std::uint64_t word = 0;
  std::memcpy(&word, at, left);
  hash = (hash ^ word) * 0xff51afd7ed558ccdull;
  hash ^= hash >> 29;
  hash *= 0xc4ceb9fe1a85ec53ull;
  return hash ^ hash >> 32;
}

// How often each distinct piece occurs. Open addressing; pieces are views into the texts.
class PieceCounts {
 public:
  struct Slot {
    std::uint64_t hash = 0;
    std::uint64_t count = 0;  // 0: free
    const char* data = nullptr;
    std::size_t size = 0;
  };

  PieceCounts() : slots_(1u << 16) {}

  void add(std::string_view piece) {
    const std::uint64_t hash = hash_of(piece);
    Slot& slot = slot_of(slots_, hash, piece);
    if (slot.count == 0) {
      slot = {hash, 0, piece.data(), piece.size()};
      ++used_;
    }
    ++slot.count;
    if (used_ * 2 > slots_.size()) grow();
  }

  const std::vector<Slot>& slots() const { return slots_; }

 private:
  static Slot& slot_of(std::vector<Slot>& slots, std::uint64_t hash, std::string_view piece) {
    const std::size_t mask = slots.size() - 1;
    for (std::size_t at = hash & mask;; at = (at + 1) & mask) {
      Slot& slot = slots[at];
      if (slot.count == 0) return slot;
      if (slot.hash == hash && std::string_view(slot.data, slot.size) == piece) return slot;
    }
  }

  void grow() {
    std::vector<Slot> larger(slots_.size() * 2);
    for (const auto& slot : slots_)
      if (slot.count) slot_of(larger, slot.hash, {slot.data, slot.size}) = slot;
    slots_.swap(larger);
  }

  std::vector<Slot> slots_;
  std::size_t used_ = 0;
};

constexpr std::uint32_t kNone = ~0u;
constexpr std::uint16_t kMerged = 0xFFFF;  // a symbol that the one before it swallowed

std::uint32_t pair_key(std::uint32_t left, std::uint32_t right) { return left << 16 | right; }

struct Pair {
  std::uint32_t key;
  std::int64_t count = 0;
  std::vector<std::uint32_t> places;  // of its left symbol, ascending within a piece; some stale
};

// Index of each pair by its key.
class PairTable {
 public:
  PairTable() : keys_(1u << 16, kNone), index_(1u << 16) {}

  std::uint32_t find_or_add(std::uint32_t key) {
    if (pairs_.size() * 2 > keys_.size()) grow();
    const std::size_t at = slot_of(key);
    if (keys_[at] == key) return index_[at];
    keys_[at] = key;
    index_[at] = static_cast<std::uint32_t>(pairs_.size());
    pairs_.push_back({key, 0, {}});
    return index_[at];
  }

  Pair& operator[](std::uint32_t index) { return pairs_[index]; }
  std::uint32_t size() const { return static_cast<std::uint32_t>(pairs_.size()); }

 private:
  std::size_t slot_of(std::uint32_t key) const {
    const std::size_t mask = keys_.size() - 1;
    std::size_t at = (key * kGolden >> 32) & mask;
    while (keys_[at] != kNone && keys_[at] != key) at = (at + 1) & mask;
    return at;
  }

  void grow() {
    keys_.assign(keys_.size() * 2, kNone);
    index_.resize(keys_.size());
    for (std::uint32_t i = 0; i < pairs_.size(); ++i) {
      const std::size_t at = slot_of(pairs_[i].key);
      keys_[at] = pairs_[i].key;
      index_[at] = i;
    }
  }

  std::vector<std::uint32_t> keys_;
  std::vector<std::uint32_t> index_;
  std::vector<Pair> pairs_;
};

struct Candidate {
  std::int64_t count;
  std::uint32_t key;
  std::uint32_t pair;
  bool operator<(const Candidate& other) const {
    return count != other.count ? count < other.count : key > other.key;
  }
};

class Learner {
 public:
  explicit Learner(const PieceCounts& pieces) {
    for (const auto& slot : pieces.slots())
      if (slot.count) lay_out({slot.data, slot.size}, slot.count);
    for (std::uint32_t at = 0; at < ids_.size(); ++at)
      if (next_[at] != kNone) come_up(ids_[at], ids_[next_[at]], at, count_of(at));
    std::vector<Candidate> first;
    first.reserve(pairs_.size());
    for (std::uint32_t i = 0; i < pairs_.size(); ++i) first.push_back({pairs_[i].count, pairs_[i].key, i});
    heap_ = std::priority_queue<Candidate>({}, std::move(first));
    fresh_.clear();
  }

  std::vector<std::pair<std::uint16_t, std::uint16_t>> run(std::size_t merges_max, std::int64_t count_min) {
    std::vector<std::pair<std::uint16_t, std::uint16_t>> merges;
    while (merges.size() < merges_max && !heap_.empty()) {
      Candidate best = heap_.top();
      heap_.pop();
      if (best.count != pairs_[best.pair].count) {
        best.count = pairs_[best.pair].count;
        if (best.count >= count_min) heap_.push(best);
        continue;
      }
      if (best.count < count_min) break;
      const auto left = static_cast<std::uint16_t>(best.key >> 16), right = static_cast<std::uint16_t>(best.key);
      merge(best.pair, left, right, static_cast<std::uint16_t>(kMergeFirst + static_cast<TokenId>(merges.size())));
      merges.emplace_back(left, right);
    }
    return merges;
  }

  void count_symbols(std::vector<std::uint64_t>& frequencies) const {
    for (std::uint32_t at = 0; at < ids_.size(); ++at)
      if (ids_[at] != kMerged) frequencies[ids_[at]] += static_cast<std::uint64_t>(count_of(at));
  }

 private:
  std::int64_t count_of(std::uint32_t place) const { return counts_[piece_[place]]; }

  void lay_out(std::string_view piece, std::uint64_t count) {
    const auto begin = static_cast<std::uint32_t>(ids_.size());
    const auto size = static_cast<std::uint32_t>(piece.size());
    for (std::uint32_t i = 0; i < size; ++i) {
      ids_.push_back(kIdOfByte[static_cast<unsigned char>(piece[i])]);
      previous_.push_back(i ? begin + i - 1 : kNone);
      next_.push_back(i + 1 < size ? begin + i + 1 : kNone);
      piece_.push_back(static_cast<std::uint32_t>(counts_.size()));
    }
    counts_.push_back(static_cast<std::int64_t>(count));
  }

  void come_up(std::uint16_t left, std::uint16_t right, std::uint32_t place, std::int64_t count) {
    const std::uint32_t index = pairs_.find_or_add(pair_key(left, right));
    Pair& pair = pairs_[index];
    if (pair.places.empty()) fresh_.push_back(index);
    pair.count += count;
    pair.places.push_back(place);
  }

  void go_away(std::uint16_t left, std::uint16_t right, std::int64_t count) {
    pairs_[pairs_.find_or_add(pair_key(left, right))].count -= count;
  }

  void merge(std::uint32_t pair, std::uint16_t left, std::uint16_t right, std::uint16_t made) {
    std::vector<std::uint32_t> places;
    places.swap(pairs_[pair].places);
    fresh_.clear();
    for (const std::uint32_t at : places) {
      const std::uint32_t swallowed = next_[at];
      if (ids_[at] != left || swallowed == kNone || ids_[swallowed] != right) continue;
      const std::int64_t count = count_of(at);
      const std::uint32_t before = previous_[at], after = next_[swallowed];
      if (before != kNone) {
        go_away(ids_[before], left, count);
        come_up(ids_[before], made, before, count);
      }
      if (after != kNone) {
        go_away(right, ids_[after], count);
        come_up(made, ids_[after], at, count);
        previous_[after] = at;
      }
      ids_[at] = made;
      next_[at] = after;
      ids_[swallowed] = kMerged;
    }
    pairs_[pair].count = 0;
    for (const std::uint32_t index : fresh_)
      if (pairs_[index].count > 0) heap_.push({pairs_[index].count, pairs_[index].key, index});
  }

  std::vector<std::uint16_t> ids_;  // symbols of all distinct pieces, one after the other
  std::vector<std::uint32_t> next_, previous_;  // places within the piece, or kNone
  std::vector<std::uint32_t> piece_;  // to which piece a symbol belongs
  std::vector<std::int64_t> counts_;  // of each piece
  PairTable pairs_;
  std::vector<std::uint32_t> fresh_;  // pairs that came up in the merge at work
  std::priority_queue<Candidate> heap_;
};

}  // namespace

Learned learn_merges(std::span<const std::string_view> texts, const TrainOptions& options) {
  const std::uint32_t vocabulary = std::clamp(options.vocabulary, static_cast<std::uint32_t>(kMergeFirst), kVocabularyMax);
  Learned out;
  out.frequencies.resize(vocabulary);
  PieceCounts pieces;
  for (const auto text : texts) {
    for_each_line(text, [&](const Line& line) {
      ++out.frequencies[static_cast<std::size_t>(kIndentFirst) + line.indent];
      ++out.frequencies[kEol];
      const char* const end = line.body.data() + line.body.size();
      for (const char* at = line.body.data(); at < end;) {
        const char* const stop = next_piece(at, end);
        const auto size = static_cast<std::size_t>(stop - at);
        if (size <= kPieceBytesMax) pieces.add({at, size});
        at = stop;
      }
    });
    ++out.frequencies[kEof];
  }
  Learner learner(pieces);
  out.merges = learner.run(vocabulary - static_cast<std::uint32_t>(kMergeFirst), std::max<std::int64_t>(1, options.min_frequency));
  out.frequencies.resize(static_cast<std::size_t>(kMergeFirst) + out.merges.size());
  learner.count_symbols(out.frequencies);
  return out;
}

}  // namespace mendel::encoder
