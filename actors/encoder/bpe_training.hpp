// Learns the merges of a byte-level BPE: the counts of Sennrich et al. (2016), kept up to date instead
// of recounted.
//
// Every distinct piece is laid out once as a doubly linked list of symbols; every pair of neighbours
// knows its count and the places where it stood when it came up. A merge visits only those places. A
// heap holds each pair once with a count that may be too high: counts only fall after a pair has come
// up, so an entry whose count is stale goes back with the true one.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "actors/encoder/tokenizer.hpp"

namespace mendel::encoder {

// Longer pieces take no part in training (they are data in the shape of code), which bounds the
// length of a token too.
inline constexpr std::size_t kPieceBytesMax = 1024;

struct Learned {
  std::vector<std::pair<std::uint16_t, std::uint16_t>> merges;  // merge i makes id kMergeFirst + i
  std::vector<std::uint64_t> frequencies;  // by id: cells of the training texts, specials too
};

// The merges that Hugging Face's BpeTrainer learns of the same pieces: highest count first, among
// equals the smaller pair of ids; overlapping pairs ("aaa") count at each place. Stops at the
// vocabulary's size or when no pair is seen `min_frequency` times. Independent of the order of texts.
Learned learn_merges(std::span<const std::string_view> texts, const TrainOptions& options);

}  // namespace mendel::encoder
