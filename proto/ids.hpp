// Strong 128-bit ids and the content hash behind them. Ids are hashes of content, so that the same
// thing has the same id on every node and in every run.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace mendel {

// 128 bits, compared as bytes. `Tag` keeps ids of different things apart.
template <class Tag>
struct Id128 {
  std::array<std::uint8_t, 16> bytes{};

  auto operator<=>(const Id128&) const = default;

  std::string hex() const {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string out;
    out.reserve(32);
    for (const auto b : bytes) {
      out.push_back(kDigits[b >> 4]);
      out.push_back(kDigits[b & 15]);
    }
    return out;
  }
  std::string_view view() const { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

  // Nothing unless `text` is exactly 32 lower-case hex digits.
  static std::optional<Id128> from_hex(std::string_view text) {
    if (text.size() != 32) return std::nullopt;
    Id128 id;
    for (std::size_t i = 0; i < 32; ++i) {
      const char c = text[i];
      const int v = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
      if (v < 0) return std::nullopt;
      id.bytes[i / 2] = static_cast<std::uint8_t>(id.bytes[i / 2] << 4 | v);
    }
    return id;
  }
  // Nothing unless `raw` is exactly 16 bytes.
  static std::optional<Id128> from_bytes(std::string_view raw) {
    if (raw.size() != 16) return std::nullopt;
    Id128 id;
    for (std::size_t i = 0; i < 16; ++i) id.bytes[i] = static_cast<std::uint8_t>(raw[i]);
    return id;
  }
};

using PairId = Id128<struct PairTag>;
using ItemId = Id128<struct ItemTag>;
using ContentId = Id128<struct ContentTag>;

// XXH3 64-bit of the bytes; the seed separates uses.
std::uint64_t hash64(std::string_view bytes, std::uint64_t seed = 0);

// A 128-bit hash over length-prefixed fields, so that ("ab","c") and ("a","bc") differ. XXH3-128.
class ContentHash {
 public:
  ContentHash& add(std::string_view field);
  ContentHash& add(std::uint64_t field);
  template <class Id = ContentId>
  Id finish() const {
    Id id;
    id.bytes = digest();
    return id;
  }

 private:
  std::array<std::uint8_t, 16> digest() const;
  std::string buffer_;
};

// A pseudo-random stream that is the same on every machine (SplitMix64). Not for secrets.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15ull);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
  }
  // Uniform in [0, bound), bound > 0; the bias of the multiplication is below 2^-32 for bound < 2^32.
  std::uint64_t below(std::uint64_t bound) {
    __extension__ using Wide = unsigned __int128;
    return static_cast<std::uint64_t>(static_cast<Wide>(next()) * bound >> 64);
  }
  double uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

 private:
  std::uint64_t state_;
};

}  // namespace mendel

template <class Tag>
struct std::hash<mendel::Id128<Tag>> {
  std::size_t operator()(const mendel::Id128<Tag>& id) const {
    std::size_t out = 0;
    for (std::size_t i = 0; i < 8; ++i) out = out << 8 | id.bytes[i];
    return out;
  }
};
