// Encoding: pieces from the scanner, ids from the thread's cache, else by merging.
#include "actors/encoder/tokenizer.hpp"

#include <algorithm>
#include <atomic>
#include <cassert>
#include <queue>

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
  return (last.fetch_add(1) + 1) & 0x1FFFFFFF;
}

// Merges a short piece in place, smallest id first; answers how many ids are left.
std::size_t merge_short(const MergeTable& table, std::uint16_t* ids, std::size_t size) {
  std::uint16_t made[kQuadraticBytesMax];  // what ids[i] and ids[i + 1] merge to
  for (std::size_t i = 0; i + 1 < size; ++i) made[i] = table.find(ids[i], ids[i + 1]);
  while (size > 1) {
    const std::size_t best = static_cast<std::size_t>(std::min_element(made, made + size - 1) - made);
    if (made[best] == MergeTable::kNoMerge) break;
    ids[best] = made[best];
    std::copy(ids + best + 2, ids + size, ids + best + 1);
    if (best + 2 < size) std::copy(made + best + 2, made + size - 1, made + best + 1);
    --size;
    if (best + 1 < size) made[best] = table.find(ids[best], ids[best + 1]);
    if (best > 0) made[best - 1] = table.find(ids[best - 1], ids[best]);
  }
  return size;
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
        if (piece.size <= PieceKey::kBytesMax) {
          piece.key = PieceKey::of(at, piece.size, static_cast<std::size_t>(end - at));
          piece.slot = &cache_.slot_of(piece.key);
          __builtin_prefetch(piece.slot);
        }
        at = stop;
      }
      for (std::size_t i = 0; i < count; ++i) emit(group_[i]);
    }
    flush();
  }

 private:
  static constexpr std::size_t kGroup = 32;
  static constexpr std::size_t kBuffer = 1024;
  struct Piece {
    const char* data;
    std::size_t size;
    PieceKey key;
    CachedPiece* slot;
  };

  void emit(const Piece& piece) {
    if (piece.size > PieceKey::kBytesMax) return merge(piece);
    const CachedPiece& slot = *piece.slot;
    if (slot.low == piece.key.low && slot.high == piece.key.high && slot.owner_and_count >> 3 == instance_) {
      for (std::size_t i = 0; i < CachedPiece::kIdsMax; ++i) buffer_[used_ + i] = slot.ids[i];
      used_ += slot.owner_and_count & 7;
      if (used_ + CachedPiece::kIdsMax > kBuffer) flush();
      return;
    }
    merge(piece);
  }

  void merge(const Piece& piece) {
    if (piece.size > kQuadraticBytesMax) {
      std::vector<std::uint16_t> ids(piece.size);
      for (std::size_t i = 0; i < piece.size; ++i) ids[i] = kIdOfByte[static_cast<unsigned char>(piece.data[i])];
      merge_long(table_, ids);
      flush();
      out_.insert(out_.end(), ids.begin(), ids.end());
      return;
    }
    std::uint16_t ids[kQuadraticBytesMax];
    for (std::size_t i = 0; i < piece.size; ++i) ids[i] = kIdOfByte[static_cast<unsigned char>(piece.data[i])];
    const std::size_t count = merge_short(table_, ids, piece.size);
    if (used_ + count + CachedPiece::kIdsMax > kBuffer) flush();
    for (std::size_t i = 0; i < count; ++i) buffer_[used_++] = ids[i];
    if (used_ + CachedPiece::kIdsMax > kBuffer) flush();
    if (piece.size > PieceKey::kBytesMax || count > CachedPiece::kIdsMax) return;
    CachedPiece& slot = *piece.slot;
    slot.low = piece.key.low;
    slot.high = piece.key.high;
    std::copy(ids, ids + count, slot.ids);
    slot.owner_and_count = instance_ << 3 | static_cast<std::uint32_t>(count);
  }

  void flush() {
    out_.insert(out_.end(), buffer_, buffer_ + used_);
    used_ = 0;
  }

  static PieceCache& cache_of_thread() {
    thread_local PieceCache cache;
    return cache;
  }

  const MergeTable& table_;
  std::uint32_t instance_;
  std::vector<TokenId>& out_;
  PieceCache& cache_ = cache_of_thread();
  Piece group_[kGroup];
  TokenId buffer_[kBuffer];
  std::size_t used_ = 0;
};

}  // namespace

MergeTable::MergeTable(const std::vector<Merge>& merges) {
  std::size_t size = 2;
  while (size < merges.size() * 2) size *= 2;
  slots_.assign(size, Slot{kFree, kNoMerge});
  for (std::size_t i = 0; i < merges.size(); ++i) {
    const std::uint32_t key = std::uint32_t{merges[i].first} << 16 | merges[i].second;
    std::size_t at = hash_of(key) & (size - 1);
    while (slots_[at].key != kFree && slots_[at].key != key) at = (at + 1) & (size - 1);
    if (slots_[at].key == kFree) slots_[at] = {key, static_cast<std::uint16_t>(kMergeFirst + static_cast<TokenId>(i))};
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
