// Equal signatures are joined first: all mutants of one function share one, and would fill its buckets.
#include "actors/validator/near_duplicates.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "actors/validator/minhash.hpp"
#include "proto/ids.hpp"

namespace mendel::validator {
namespace {

constexpr std::size_t kNeighbours = 128;
constexpr double kRecall = 0.99;

// Union-find whose root is always the smallest index.
class Sets {
 public:
  explicit Sets(std::size_t size) : parent_(size) { std::iota(parent_.begin(), parent_.end(), 0u); }

  std::uint32_t root(std::uint32_t i) {
    while (parent_[i] != i) i = parent_[i] = parent_[parent_[i]];
    return i;
  }
  void join(std::uint32_t a, std::uint32_t b) {
    a = root(a);
    b = root(b);
    parent_[std::max(a, b)] = std::min(a, b);
  }

 private:
  std::vector<std::uint32_t> parent_;
};

struct Entry {
  std::uint64_t band_hash;
  std::uint32_t place;  // in the order of the signatures' bytes
  auto operator<=>(const Entry&) const = default;
};

void link_bucket(std::span<const Entry> bucket, std::span<const std::uint32_t> order, std::span<const std::string_view> signatures,
                 double threshold, Sets& sets) {
  for (std::size_t i = 0; i < bucket.size(); ++i)
    for (std::size_t j = i + 1; j < std::min(bucket.size(), i + 1 + kNeighbours); ++j) {
      const auto a = order[bucket[i].place], b = order[bucket[j].place];
      if (sets.root(a) != sets.root(b) && similarity(signatures[a], signatures[b]) >= threshold) sets.join(a, b);
    }
}

}  // namespace

std::uint32_t rows_per_band(double threshold) {
  for (const std::uint32_t rows : {16u, 8u, 4u, 2u}) {
    const double bands = static_cast<double>(kPermutations) / rows;
    if (1 - std::pow(1 - std::pow(threshold, rows), bands) >= kRecall) return rows;
  }
  return 1;
}

std::vector<std::uint32_t> near_duplicates(std::span<const std::string_view> signatures, double threshold) {
  Sets sets(signatures.size());
  std::vector<std::uint32_t> order;
  for (std::uint32_t i = 0; i < signatures.size(); ++i)
    if (signatures[i].size() == kMinHashBytes) order.push_back(i);
  std::sort(order.begin(), order.end(), [&](auto a, auto b) { return std::pair(signatures[a], a) < std::pair(signatures[b], b); });
  std::vector<std::uint32_t> distinct;
  for (const auto i : order) {
    if (!distinct.empty() && signatures[distinct.back()] == signatures[i]) sets.join(distinct.back(), i);
    else distinct.push_back(i);
  }
  const std::size_t band_bytes = rows_per_band(threshold) * std::size_t{4};
  std::vector<Entry> entries(distinct.size());
  for (std::size_t band = 0; band < kMinHashBytes / band_bytes; ++band) {
    for (std::uint32_t place = 0; place < distinct.size(); ++place)
      entries[place] = {hash64(signatures[distinct[place]].substr(band * band_bytes, band_bytes), band), place};
    std::sort(entries.begin(), entries.end());
    for (std::size_t begin = 0, end = 0; begin < entries.size(); begin = end) {
      while (end < entries.size() && entries[end].band_hash == entries[begin].band_hash) ++end;
      link_bucket(std::span(entries).subspan(begin, end - begin), distinct, signatures, threshold, sets);
    }
  }
  std::vector<std::uint32_t> out(signatures.size());
  for (std::uint32_t i = 0; i < signatures.size(); ++i) out[i] = sets.root(i);
  return out;
}

}  // namespace mendel::validator
