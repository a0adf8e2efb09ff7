// Encoding: pieces from the scanner, ids from the thread's cache, else by merging.
#include "actors/encoder/tokenizer.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cassert>
#include <cstring>

#include "actors/encoder/bpe_training.hpp"
#include "actors/encoder/byte_alphabet.hpp"
#include "actors/encoder/piece_cache.hpp"
#include "actors/encoder/pretokenizer.hpp"
#include "actors/encoder/tokenizer_state.hpp"
#include "proto/ids.hpp"

namespace mendel::encoder {
namespace {

constexpr char kHashName[] = "mendel byte-level BPE 1";

std::string special_name(TokenId id) {
  static constexpr const char* kNames[] = {"<pad>", "<eos>", "<bos>", "<eol>", "<eof>", "<cont>"};
  if (id < kIndentFirst) return kNames[id];
  return "<I" + std::to_string(id - kIndentFirst) + ">";
}

std::uint32_t next_instance() {
  static std::atomic<std::uint32_t> last{0};
  return (last.fetch_add(1) + 1) & 0x0FFFFFFF;
}

// One tokenizer after the other: another one finds them empty.
PieceCaches& caches_of_thread(std::uint32_t owner) {
  thread_local PieceCaches caches;
  if (caches.owner != owner) {
    caches = PieceCaches();
    caches.owner = owner;
  }
  return caches;
}

// One call of encode: a block of pieces is cut, then each is looked up, so that no look waits for the one before.
class Encoding {
 public:
  Encoding(const PieceMerger& merger, std::uint32_t instance, std::vector<TokenId>& out)
      : merger_(merger), out_(out), caches_(caches_of_thread(instance)) {}

  void run(std::string_view text) {
    const char* at = text.data();
    end_ = at + text.size();
#ifdef __SSE2__
    while (static_cast<std::size_t>(end_ - at) >= kBlockBytes + PieceKey<4>::kReadBytes) at = run_block(at);
#endif
    while (at < end_) {
      const char* const stop = next_piece(at, end_);
      emit({at, static_cast<std::size_t>(stop - at)});
      at = stop;
    }
    flush();
  }

 private:
  static constexpr std::size_t kBuffer = 4096;
  static constexpr std::size_t kShort = 64;  // bytes; longer pieces bring room of their own
  static constexpr std::size_t kRoom = 2 * kShort;  // a block and what copying a slot writes beyond its ids
  using Piece = std::string_view;

#ifdef __SSE2__
  // Answers where it stopped: at the start of a piece that may go on beyond the block.
  const char* run_block(const char* block) {
    std::uint8_t starts[kBlockBytes];
    std::size_t count = 0;
    for (std::uint64_t left = piece_starts(block, end_); left; left &= left - 1) starts[count++] = static_cast<std::uint8_t>(std::countr_zero(left));
    if (count == 1) {
      const char* const stop = next_piece(block, end_);
      emit({block, static_cast<std::size_t>(stop - block)});
      return stop;
    }
    for (std::size_t i = 0; i + 1 < count; ++i) {
      const Piece piece(block + starts[i], static_cast<std::size_t>(starts[i + 1] - starts[i]));
      if (piece.size() <= PieceKey<2>::kBytesMax) [[likely]]
        emit_cached(piece, caches_.narrow, PieceKey<2>::of_readable(piece));
      else
        emit(piece);
    }
    make_room();
    return block + starts[count - 1];
  }
#endif

  void emit(Piece piece) {
    if (piece.size() <= PieceKey<2>::kBytesMax) {
      emit_cached(piece, caches_.narrow, PieceKey<2>::of(piece, end_));
    } else if (piece.size() <= PieceKey<4>::kBytesMax) {
      emit_cached(piece, caches_.wide, PieceKey<4>::of(piece, end_));
    } else if (piece.size() <= kShort) {
      next_ += merge(piece, next_);
    } else {
      emit_long(piece);
    }
    make_room();
  }

  template <std::size_t kWords>
  void emit_cached(Piece piece, PieceCache<kWords>& cache, const PieceKey<kWords>& key) {
    auto& set = cache.set_of(key);
    const auto& found = PieceCache<kWords>::candidate(set, key);
    if (found.key != key) [[unlikely]] return emit_new(piece, key, set);
    std::memcpy(next_, found.ids, sizeof found.ids);
    next_ += found.count;
  }

  template <std::size_t kWords>
  [[gnu::noinline]] void emit_new(Piece piece, const PieceKey<kWords>& key, typename PieceCache<kWords>::Set& set) {
    const std::size_t count = merge(piece, next_);
    if (count <= CachedPiece<kWords>::kIdsMax) {
      auto& slot = PieceCache<kWords>::make_room(set);
      slot.key = key;
      std::copy(next_, next_ + count, slot.ids);
      slot.count = static_cast<std::uint16_t>(count);
    }
    next_ += count;
  }

  std::size_t merge(Piece piece, std::uint16_t* ids) const { return merger_.merge(piece.data(), piece.size(), ids); }

  void emit_long(Piece piece) {
    std::vector<std::uint16_t> ids(piece.size());
    const std::size_t count = merge(piece, ids.data());
    flush();
    out_.insert(out_.end(), ids.data(), ids.data() + count);
  }

  void make_room() {
    if (next_ > buffer_ + kBuffer - kRoom) flush();
  }

  void flush() {
    out_.insert(out_.end(), buffer_, next_);
    next_ = buffer_;
  }

  const PieceMerger& merger_;
  std::vector<TokenId>& out_;
  const char* end_ = nullptr;
  PieceCaches& caches_;
  std::uint16_t buffer_[kBuffer];
  std::uint16_t* next_ = buffer_;  // kRoom is left
};

}  // namespace

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
  state->merger = PieceMerger(merges);
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
  if (!text.empty()) Encoding(state_->merger, state_->instance, out).run(text);
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
