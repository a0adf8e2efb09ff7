// What a Tokenizer holds: built once from the merges, read-only afterwards.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "actors/encoder/piece_merger.hpp"
#include "actors/encoder/tokenizer.hpp"

namespace mendel::encoder {

struct Tokenizer::State {
  std::vector<Merge> merges;
  PieceMerger merger;
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
