// Encoding: pieces from the scanner, ids from the thread's cache, else by merging.
#include "actors/encoder/tokenizer.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cassert>
#include <cstring>
#include <queue>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "actors/encoder/bpe_training.hpp"
#include "actors/encoder/byte_alphabet.hpp"
#include "actors/encoder/piece_cache.hpp"
#include "actors/encoder/pretokenizer.hpp"
#include "actors/encoder/tokenizer_state.hpp"
#include "proto/ids.hpp"

namespace mendel::encoder {
namespace {

constexpr char kHashName[] = "mendel byte-level BPE 1";
constexpr std::uint16_t kMerged = 0xFFFF;
constexpr std::size_t kQuadraticBytesMax = 64;  // longer pieces pay for a heap

std::string special_name(TokenId id) {
  static constexpr const char* kNames[] = {"<pad>", "<eos>", "<bos>", "<eol>", "<eof>", "<cont>"};
  if (id < kIndentFirst) return kNames[id];
  return "<I" + std::to_string(id - kIndentFirst) + ">";
}

std::uint32_t next_instance() {
  static std::atomic<std::uint32_t> last{0};
  return (last.fetch_add(1) + 1) & 0x0FFFFFFF;
}

// The first place of the smallest value among `size` (> 0) values; what pads `values` to a multiple of
// 8 must not be smaller than any.
std::size_t first_smallest(const std::int16_t* values, std::size_t size) {
#ifdef __SSE2__
  const auto load = [&](std::size_t at) { return _mm_load_si128(reinterpret_cast<const __m128i*>(values + at)); };
  __m128i least = load(0);
  for (std::size_t at = 8; at < size; at += 8) least = _mm_min_epi16(least, load(at));
  least = _mm_min_epi16(least, _mm_shuffle_epi32(least, 0x4E));
  least = _mm_min_epi16(least, _mm_shuffle_epi32(least, 0xB1));
  least = _mm_min_epi16(least, _mm_shufflelo_epi16(least, 0xB1));
  least = _mm_shuffle_epi32(_mm_shufflelo_epi16(least, 0), 0);
  for (std::size_t at = 0;; at += 8) {
    const auto equal = static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi16(load(at), least)));
    if (equal) return at + static_cast<std::size_t>(std::countr_zero(equal)) / 2;
  }
#else
  return static_cast<std::size_t>(std::min_element(values, values + size) - values);
#endif
}

// Merges a piece of at most kQuadraticBytesMax bytes, smallest id first, leftmost first, into `ids`
// (room for `size`); answers how many ids there are. `made` is what a place and the next one merge
// to, counted from kMergeFirst.
std::size_t merge_short(const MergeTable& table, const char* bytes, std::size_t size, std::uint16_t* ids) {
  constexpr std::int16_t kNever = 0x7FFF;
  static_assert(kVocabularyMax - static_cast<std::uint32_t>(kMergeFirst) < kNever);
  alignas(16) std::int16_t made[kQuadraticBytesMax];
  std::uint8_t next[kQuadraticBytesMax], previous[kQuadraticBytesMax];
  const auto put = [&](std::size_t at, std::uint16_t id) {
    made[at] = id == MergeTable::kNoMerge ? kNever : static_cast<std::int16_t>(id - kMergeFirst);
  };
  const auto consider = [&](std::size_t at) { put(at, table.find(ids[at], ids[next[at]])); };
  for (std::size_t i = 0; i < size; ++i) {
    const auto byte = static_cast<unsigned char>(bytes[i]);
    ids[i] = kIdOfByte[byte];
    next[i] = static_cast<std::uint8_t>(i + 1);
    previous[i] = static_cast<std::uint8_t>(i - 1);
    if (i > 0) put(i - 1, table.find_bytes(static_cast<unsigned char>(bytes[i - 1]), byte));
  }
  for (std::size_t i = size - 1; i < size || i % 8 != 0; ++i) made[i] = kNever;
  for (;;) {
    const std::size_t at = first_smallest(made, size);
    if (made[at] == kNever) break;
    const std::size_t swallowed = next[at], after = next[swallowed];
    ids[at] = static_cast<std::uint16_t>(made[at] + kMergeFirst);
    ids[swallowed] = kMerged;
    made[swallowed] = kNever;
    next[at] = static_cast<std::uint8_t>(after);
    if (after < size) {
      previous[after] = static_cast<std::uint8_t>(at);
      consider(at);
    } else {
      made[at] = kNever;
    }
    if (at > 0) consider(previous[at]);
  }
  return static_cast<std::size_t>(std::remove(ids, ids + size, kMerged) - ids);
}

// The same in O(n log n): a linked list and a heap of candidates, stale ones passed over.
void merge_long(const MergeTable& table, std::vector<std::uint16_t>& ids) {
  struct Candidate {
    std::uint16_t made;
    std::size_t at;
    bool operator<(const Candidate& other) const { return made != other.made ? made > other.made : at > other.at; }
  };
  const std::size_t size = ids.size();
  std::vector<std::size_t> next(size), previous(size);
  std::priority_queue<Candidate> heap;
  const auto consider = [&](std::size_t at) {
    if (next[at] == size) return;
    const auto made = table.find(ids[at], ids[next[at]]);
    if (made != MergeTable::kNoMerge) heap.push({made, at});
  };
  for (std::size_t i = 0; i < size; ++i) next[i] = i + 1, previous[i] = i ? i - 1 : size;
  for (std::size_t i = 0; i < size; ++i) consider(i);
  while (!heap.empty()) {
    const Candidate best = heap.top();
    heap.pop();
    if (ids[best.at] == kMerged || next[best.at] == size) continue;
    const std::size_t swallowed = next[best.at];
    if (table.find(ids[best.at], ids[swallowed]) != best.made) continue;
    ids[best.at] = best.made;
    ids[swallowed] = kMerged;
    next[best.at] = next[swallowed];
    if (next[swallowed] != size) previous[next[swallowed]] = best.at;
    consider(best.at);
    if (previous[best.at] != size) consider(previous[best.at]);
  }
  std::erase(ids, kMerged);
}

PieceCaches& caches_of_thread() {
  thread_local PieceCaches caches;
  return caches;
}

// One call of encode: pieces are looked up in groups, so that the cache lines of a whole group are on
// their way before the first is needed.
class Encoding {
 public:
  Encoding(const MergeTable& table, std::uint32_t instance, std::vector<TokenId>& out)
      : table_(table), instance_(instance), out_(out) {}

  void run(std::string_view text) {
    const char* at = text.data();
    const char* const end = at + text.size();
    while (at < end) {
      std::size_t count = 0;
      for (; count < kGroup && at < end; ++count) {
        const char* const stop = next_piece(at, end);
        Piece& piece = group_[count];
        piece.data = at;
        piece.size = static_cast<std::size_t>(stop - at);
        if (piece.size > 1 && piece.size <= PieceKey<2>::kBytesMax) {
          piece.key = PieceKey<2>::of(at, piece.size, static_cast<std::size_t>(end - at));
          piece.set = &caches_.narrow.set_of(piece.key);
          __builtin_prefetch(piece.set);
        }
        at = stop;
      }
      for (std::size_t i = 0; i < count; ++i) emit(group_[i], end);
    }
    flush();
  }

 private:
  static constexpr std::size_t kGroup = 32;
  static constexpr std::size_t kBuffer = 1024;
  static constexpr std::size_t kReserve = kQuadraticBytesMax;  // room that every emit may use
  struct Piece {
    const char* data;
    std::size_t size;
    PieceKey<2> key;  // key and set: only of narrow pieces
    PieceCache<2>::Set* set;
  };

  void emit(const Piece& piece, const char* end) {
    if (piece.size == 1) {
      buffer_[used_++] = kIdOfByte[static_cast<unsigned char>(*piece.data)];
    } else if (piece.size <= PieceKey<2>::kBytesMax) {
      emit_cached(piece, piece.key, *piece.set);
    } else if (piece.size <= PieceKey<4>::kBytesMax) {
      const auto key = PieceKey<4>::of(piece.data, piece.size, static_cast<std::size_t>(end - piece.data));
      emit_cached(piece, key, caches_.wide.set_of(key));
    } else if (piece.size <= kQuadraticBytesMax) {
      used_ += merge(piece, buffer_ids());
    } else {
      emit_long(piece);
    }
    if (used_ + kReserve > kBuffer) flush();
  }

  template <std::size_t kWords>
  void emit_cached(const Piece& piece, const PieceKey<kWords>& key, typename PieceCache<kWords>::Set& set) {
    const CachedPiece<kWords>* found = PieceCache<kWords>::find(set, key, instance_);
    if (!found) {
      std::uint16_t ids[PieceKey<kWords>::kBytesMax];
      const std::size_t count = merge(piece, ids);
      if (count > CachedPiece<kWords>::kIdsMax) {
        std::copy(ids, ids + count, buffer_ids());
        used_ += count;
        return;
      }
      auto& slot = PieceCache<kWords>::make_room(set);
      slot.key = key;
      std::copy(ids, ids + count, slot.ids);
      slot.owner_and_count = instance_ << 4 | static_cast<std::uint32_t>(count);
      found = &slot;
    }
    std::memcpy(buffer_ids(), found->ids, sizeof found->ids);
    used_ += found->count();
  }

  std::size_t merge(const Piece& piece, std::uint16_t* ids) const {
    return merge_short(table_, piece.data, piece.size, ids);
  }

  void emit_long(const Piece& piece) {
    std::vector<std::uint16_t> ids(piece.size);
    for (std::size_t i = 0; i < piece.size; ++i) ids[i] = kIdOfByte[static_cast<unsigned char>(piece.data[i])];
    merge_long(table_, ids);
    flush();
    out_.insert(out_.end(), ids.begin(), ids.end());
  }

  std::uint16_t* buffer_ids() { return buffer_ + used_; }

  void flush() {
    out_.insert(out_.end(), buffer_, buffer_ + used_);
    used_ = 0;
  }

  const MergeTable& table_;
  std::uint32_t instance_;
  std::vector<TokenId>& out_;
  PieceCaches& caches_ = caches_of_thread();
  Piece group_[kGroup];
  std::uint16_t buffer_[kBuffer];
  std::size_t used_ = 0;
};

}  // namespace

MergeTable::MergeTable(const std::vector<Merge>& merges)
    : filter_(std::size_t{1} << kFilterBits >> 6), of_bytes_(256 * 256, kNoMerge) {
  std::size_t size = 2;
  while (size < merges.size() * 2) size *= 2;
  slots_.resize(size);
  for (std::size_t i = 0; i < merges.size(); ++i) {
    const auto [left, right] = merges[i];
    const auto made = static_cast<std::uint16_t>(kMergeFirst + static_cast<TokenId>(i));
    const std::uint32_t key = std::uint32_t{left} << 16 | right;
    slots_[slot_of(key)] = {key, made};
    const std::uint64_t bit = hash_of(key) >> (64 - kFilterBits);
    filter_[bit >> 6] |= 1ull << (bit & 63);
    if (left < kMergeFirst && right < kMergeFirst)
      of_bytes_[std::size_t{kByteOfId[left - kByteFirst]} << 8 | kByteOfId[right - kByteFirst]] = made;
  }
}

Result<std::unique_ptr<Tokenizer::State>> Tokenizer::State::build(std::vector<Merge> merges,
                                                                  std::vector<std::uint64_t> frequencies) {
  auto state = std::make_unique<State>();
  const auto add = [&](std::string_view token) {
    state->bytes.append(token);
    state->bytes_end.push_back(static_cast<std::uint32_t>(state->bytes.size()));
  };
  for (TokenId id = 0; id < kByteFirst; ++id) add(special_name(id));
  for (const auto byte : kByteOfId) add(std::string_view(reinterpret_cast<const char*>(&byte), 1));
  for (const auto& [left, right] : merges) {
    assert(left < state->size() && right < state->size() && left >= kByteFirst && right >= kByteFirst);
    const std::string token = std::string(state->bytes_of(left)).append(state->bytes_of(right));
    if (token.size() > kPieceBytesMax)
      return Error{ErrorCode::corrupt, "the token of id " + std::to_string(state->size()) + " is longer than " +
                                           std::to_string(kPieceBytesMax) + " bytes"};
    add(token);
  }
  state->table = MergeTable(merges);
  state->merges = std::move(merges);
  state->frequencies = std::move(frequencies);
  state->frequencies.resize(state->size());
  state->hash = ContentHash().add(kHashName).add(kPiecePattern).add(state->merges_text()).finish().hex();
  state->instance = next_instance();
  return state;
}

Tokenizer Tokenizer::train(std::span<const std::string_view> texts, const TrainOptions& options) {
  Learned learned = learn_merges(texts, options);
  return Tokenizer(std::move(State::build(std::move(learned.merges), std::move(learned.frequencies))).value());
}

std::string Tokenizer::hash() const { return state_->hash; }

void Tokenizer::encode(std::string_view text, std::vector<TokenId>& out) const {
  if (!text.empty()) Encoding(state_->table, state_->instance, out).run(text);
}

std::string_view Tokenizer::bytes_of(TokenId id) const {
  assert(id >= 0 && static_cast<std::uint32_t>(id) < size());
  return state_->bytes_of(id);
}

std::string Tokenizer::decode(std::span<const TokenId> ids) const {
  std::string out;
  for (const auto id : ids) out.append(bytes_of(id));
  return out;
}

std::uint32_t Tokenizer::size() const { return state_->size(); }
std::span<const std::uint64_t> Tokenizer::frequencies() const { return state_->frequencies; }

Tokenizer::Tokenizer(std::unique_ptr<State> state) : state_(std::move(state)) {}
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;
Tokenizer::~Tokenizer() = default;

}  // namespace mendel::encoder
