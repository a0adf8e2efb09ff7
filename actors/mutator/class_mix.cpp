// Expected draws over the few kinds of functions that differ in what they have places for.
#include "actors/mutator/class_mix.hpp"

#include <algorithm>
#include <numeric>

namespace mendel::mutator {
namespace {

// More draws than these take nearly all that a function has, whatever the weights.
constexpr std::uint32_t kDrawsMax = 4;
constexpr int kRounds = 200;

// Adds the expected number of bugs of each group that `draws` give, times `chance`.
void add_draws(const GroupWeights& weights, GroupPlaces places, std::uint32_t draws, double chance, GroupShares& out) {
  double total = 0;
  for (std::size_t g = 0; g < kGroups; ++g)
    if (places[g] > 0) total += weights[g];
  if (draws == 0 || total == 0) return;
  for (std::size_t g = 0; g < kGroups; ++g) {
    if (places[g] == 0) continue;
    const double here = chance * weights[g] / total;
    out[g] += here;
    --places[g];
    add_draws(weights, places, draws - 1, here, out);
    ++places[g];
  }
}

void scale_to_one(std::array<double, kGroups>& values) {
  const double total = std::accumulate(values.begin(), values.end(), 0.0);
  for (auto& value : values) value = total > 0 ? value / total : 1.0 / kGroups;
}

}  // namespace

GroupPlaces ClassMix::limited(GroupPlaces places) {
  for (auto& n : places) n = std::min(n, kDrawsMax);
  return places;
}

GroupShares ClassMix::expected(const GroupWeights& weights, std::uint32_t per_function) const {
  GroupShares out{};
  for (const auto& [places, functions] : functions_)
    add_draws(weights, places, std::min(per_function, kDrawsMax), static_cast<double>(functions), out);
  scale_to_one(out);
  return out;
}

GroupWeights ClassMix::weights(const GroupShares& shares, std::uint32_t per_function) const {
  GroupShares wanted = shares;
  scale_to_one(wanted);
  GroupWeights out = wanted;
  for (int round = 0; round < kRounds && !empty(); ++round) {
    const auto now = expected(out, per_function);
    for (std::size_t g = 0; g < kGroups; ++g)
      if (now[g] > 0) out[g] *= wanted[g] / now[g];
    scale_to_one(out);
  }
  return out;
}

}  // namespace mendel::mutator
