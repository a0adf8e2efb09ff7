// Each permutation is x → a·x + b modulo 2^32 with odd a over a well-mixed 32-bit hash of the shingle:
// one multiplication, and eight or sixteen permutations go into one vector instruction.
#include "actors/validator/minhash.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>
#include <vector>

#include "proto/ids.hpp"

namespace mendel::validator {
namespace {

constexpr std::uint64_t kSeed = 0x6d696e68617368;
constexpr std::size_t kLanes = 32;  // permutations that are kept in registers at once

struct Permutations {
  alignas(64) std::uint32_t factor[kPermutations];
  alignas(64) std::uint32_t offset[kPermutations];

  Permutations() {
    Random random(kSeed);
    for (std::size_t i = 0; i < kPermutations; ++i) {
      factor[i] = static_cast<std::uint32_t>(random.next()) | 1u;
      offset[i] = static_cast<std::uint32_t>(random.next());
    }
  }
};

std::uint64_t mix(std::uint64_t x) {
  x ^= x >> 32;
  x *= 0xd6e8feb86659fd93ull;
  return x ^ (x >> 32);
}

template <class Number>
std::uint64_t load(const char* at) {
  Number out;
  std::memcpy(&out, at, sizeof out);
  return out;
}

// Overlapping loads instead of a copy of the odd bytes; the size keeps "aa" and "aaa" apart.
std::uint64_t token_hash(std::string_view word) {
  const auto size = word.size();
  const char *begin = word.data(), *end = begin + size;
  std::uint64_t hash = 0x9e3779b97f4a7c15ull * size;
  if (size >= 8) {
    for (; end - begin > 8; begin += 8) hash = mix(hash ^ load<std::uint64_t>(begin));
    return mix(hash ^ load<std::uint64_t>(end - 8));
  }
  if (size >= 4) return mix(hash ^ (load<std::uint32_t>(begin) | load<std::uint32_t>(end - 4) << 32));
  if (size == 0) return mix(hash);
  return mix(hash ^ (load<std::uint8_t>(begin) | load<std::uint8_t>(begin + size / 2) << 8 | load<std::uint8_t>(end - 1) << 16));
}

constexpr int kTurn = 11;  // bits that a token's hash is turned by, each time it moves one place back

// Hashes of all 5-grams, in order, repeated ones included. A cyclic polynomial: what enters is added, what
// leaves is taken out again by its own bits.
void shingles(std::string_view text, std::span<const syntax::Token> tokens, std::vector<std::uint32_t>& out) {
  std::uint64_t window[kShingleTokens] = {}, rolling = 0;
  std::size_t count = 0, next = 0;
  for (const auto& token : tokens) {
    if (token.kind == syntax::TokenKind::comment || token.kind == syntax::TokenKind::newline) continue;
    const auto entering = token_hash(text.substr(token.bytes.begin, token.bytes.size()));
    rolling = std::rotl(rolling, kTurn) ^ std::rotl(window[next], kTurn * static_cast<int>(kShingleTokens)) ^ entering;
    window[next] = entering;
    next = next + 1 == kShingleTokens ? 0 : next + 1;
    if (++count >= kShingleTokens) out.push_back(static_cast<std::uint32_t>(mix(rolling) >> 16));
  }
  if (count > 0 && count < kShingleTokens) out.push_back(static_cast<std::uint32_t>(mix(rolling ^ count) >> 16));
}

// Integer arithmetic alone, so every clone gives the same bits.
__attribute__((target_clones("avx512f", "avx2", "default"))) void least_values(const std::uint32_t* hashes, std::size_t size,
                                                                               const Permutations& permutations, std::uint32_t* least) {
  for (std::size_t first = 0; first < kPermutations; first += kLanes) {
    std::uint32_t factor[kLanes], offset[kLanes], found[kLanes];
    for (std::size_t i = 0; i < kLanes; ++i) factor[i] = permutations.factor[first + i];
    for (std::size_t i = 0; i < kLanes; ++i) offset[i] = permutations.offset[first + i];
    for (std::size_t i = 0; i < kLanes; ++i) found[i] = ~0u;
    for (std::size_t s = 0; s < size; ++s)
      for (std::size_t i = 0; i < kLanes; ++i) {
        const std::uint32_t value = hashes[s] * factor[i] + offset[i];
        found[i] = value < found[i] ? value : found[i];
      }
    for (std::size_t i = 0; i < kLanes; ++i) least[first + i] = found[i];
  }
}

}  // namespace

MinHash minhash(std::string_view text, std::span<const syntax::Token> tokens) {
  static const Permutations kTable;
  thread_local std::vector<std::uint32_t> hashes;
  hashes.clear();
  shingles(text, tokens, hashes);
  MinHash out;
  least_values(hashes.data(), hashes.size(), kTable, out.data());
  return out;
}

std::string to_bytes(const MinHash& signature) {
  static_assert(std::endian::native == std::endian::little, "Proof keeps little-endian numbers");
  return std::string(reinterpret_cast<const char*>(signature.data()), kMinHashBytes);
}

double similarity(std::string_view a, std::string_view b) {
  assert(a.size() == kMinHashBytes && b.size() == kMinHashBytes);
  MinHash x, y;
  std::memcpy(x.data(), a.data(), kMinHashBytes);
  std::memcpy(y.data(), b.data(), kMinHashBytes);
  std::uint32_t equal = 0;
  for (std::size_t i = 0; i < kPermutations; ++i) equal += x[i] == y[i];
  return static_cast<double>(equal) / static_cast<double>(kPermutations);
}

}  // namespace mendel::validator
