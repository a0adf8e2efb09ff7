// MinHash signatures (Broder 1997) over 5-grams of Python tokens: the share of equal values of two
// signatures estimates the Jaccard similarity of the two sets of 5-grams, standard error ≤ 4.5 %.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "actors/syntax/tokens.hpp"

namespace mendel::validator {

inline constexpr std::size_t kPermutations = 128;
inline constexpr std::size_t kShingleTokens = 5;
inline constexpr std::size_t kMinHashBytes = kPermutations * 4;

using MinHash = std::array<std::uint32_t, kPermutations>;

// Comments and line ends take no part. A text of fewer than five tokens is one shingle; of none, the
// signature is all ones. The same on every machine and in every release of kVersion.
MinHash minhash(std::string_view text, std::span<const syntax::Token> tokens);

// As in Proof: little-endian. `similarity` compares two such byte strings, both kMinHashBytes long.
std::string to_bytes(const MinHash& signature);
double similarity(std::string_view a, std::string_view b);

}  // namespace mendel::validator
