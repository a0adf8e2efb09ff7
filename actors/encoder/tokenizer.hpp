// Byte-level BPE: what a learned vocabulary is and how text becomes ids.
//
// On the data's way: learned once over the fixed sides of all accepted pairs, then used for every
// grid and by every model. Files are Hugging Face's: tokenizer.json, vocab.json, merges.txt.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "proto/result.hpp"

namespace mendel::encoder {

using TokenId = std::int32_t;

// Ids of the specials are fixed; bytes and merges follow. 6 + 64 specials, then 256 bytes.
inline constexpr TokenId kPad = 0;  // <pad>
inline constexpr TokenId kEos = 1;  // <eos> ends the new tokens of an edit
inline constexpr TokenId kBos = 2;  // <bos>
inline constexpr TokenId kEol = 3;  // <eol> ends a line of code
inline constexpr TokenId kEof = 4;  // <eof> after the last line
inline constexpr TokenId kContinuation = 5;  // <cont> first cell of a row that goes on with a line
inline constexpr TokenId kIndentFirst = 6;  // <I0> .. <I63>: n spaces
inline constexpr TokenId kIndentCount = 64;
inline constexpr TokenId kByteFirst = kIndentFirst + kIndentCount;  // 70: 256 byte tokens
inline constexpr TokenId kMergeFirst = kByteFirst + 256;  // 326
inline constexpr std::uint32_t kVocabularyMax = 32768;  // ids fit the grid's int16

struct TrainOptions {
  std::uint32_t vocabulary = kVocabularyMax;  // specials + 256 + merges; clamped to kMergeFirst .. kVocabularyMax
  std::uint32_t min_frequency = 2;
};

// Immutable after construction; thread-safe.
class Tokenizer {
 public:
  // Learns merges over texts (each split into lines, indentation removed as the grid does). The same
  // multiset of lines gives the same merges in any order. Ties: higher count, then smaller pair of ids.
  static Tokenizer train(std::span<const std::string_view> texts, const TrainOptions& options);

  // Reads tokenizer.json of a folder that `save` wrote. corrupt names the file and the field.
  static Result<Tokenizer> load(const std::filesystem::path& folder);
  // The same from and to one string (the content of merges.txt); `hash` identifies it on the wire.
  static Result<Tokenizer> from_merges(std::string_view merges);
  std::string merges() const;
  std::string hash() const;  // 32 hex

  // Writes vocab.json, merges.txt, token_frequencies.json, tokenizer.json; each atomically.
  Outcome save(const std::filesystem::path& folder) const;

  // Plain BPE of any bytes, no specials: the ids that Hugging Face tokenizers give for valid UTF-8.
  void encode(std::string_view text, std::vector<TokenId>& out) const;
  // Bytes of one token; specials give their name in angle brackets.
  std::string_view bytes_of(TokenId id) const;
  std::string decode(std::span<const TokenId> ids) const;

  std::uint32_t size() const;
  // How often each id is a cell of the training texts; all 0 after from_merges.
  std::span<const std::uint64_t> frequencies() const;

  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;
  ~Tokenizer();

 private:
  struct State;
  explicit Tokenizer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace mendel::encoder
