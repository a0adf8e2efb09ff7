// Units (a group, a file of a group, or a cluster) are ordered by hash and dealt out greedily.
#include "actors/validator/splits.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <unordered_map>

namespace mendel::validator {
namespace {

constexpr std::size_t kSplitCount = 3;
constexpr double kOvershoot = 1.5;
constexpr double kEnough = 0.5;
constexpr std::size_t kHeldOutPairsMin = 3;  // fewer pairs are not worth a split

enum class Grain { group, file, cluster };

using Unit = ContentId;

struct Shares {
  std::size_t validation = 0, test = 0;  // pairs wanted
  std::size_t most() const { return std::max(validation, test); }
};

std::size_t wanted(std::size_t pairs, double share) {
  if (share <= 0 || pairs < kHeldOutPairsMin) return 0;
  return std::max<std::size_t>(1, static_cast<std::size_t>(std::llround(static_cast<double>(pairs) * share)));
}

std::vector<Unit> units_of(std::span<const SplitInput> inputs, Grain grain, const Shares& shares, std::uint64_t seed) {
  std::unordered_map<std::string_view, std::size_t> sizes;
  for (const auto& input : inputs) ++sizes[input.group];
  std::vector<Unit> out;
  out.reserve(inputs.size());
  for (const auto& input : inputs) {
    Grain own = sizes[input.group] > shares.most() ? grain : Grain::group;
    if (input.group.empty()) own = Grain::cluster;
    ContentHash hash;
    hash.add(seed).add(static_cast<std::uint64_t>(own));
    if (own == Grain::cluster) hash.add(input.cluster.view());
    else hash.add(input.group).add(own == Grain::file ? input.path : std::string_view());
    out.push_back(hash.finish<>());
  }
  return out;
}

struct Dealt {
  std::map<Unit, Split> splits;
  bool enough = false;
};

Dealt deal(std::span<const Unit> units, const Shares& shares) {
  std::map<Unit, std::size_t> sizes;
  for (const auto& unit : units) ++sizes[unit];
  std::size_t test = 0, validation = 0;
  const auto fits = [](std::size_t have, std::size_t size, std::size_t want) {
    return have < want && static_cast<double>(have + size) <= kOvershoot * static_cast<double>(want);
  };
  Dealt out;
  for (const auto& [unit, size] : sizes) {
    if (fits(test, size, shares.test)) {
      out.splits[unit] = Split::test;
      test += size;
    } else if (fits(validation, size, shares.validation)) {
      out.splits[unit] = Split::validation;
      validation += size;
    } else {
      out.splits[unit] = Split::train;
    }
  }
  const auto reached = [](std::size_t have, std::size_t want) { return static_cast<double>(have) >= kEnough * static_cast<double>(want); };
  out.enough = reached(test, shares.test) && reached(validation, shares.validation);
  return out;
}

void mark_leaks(std::span<const SplitInput> inputs, std::vector<Placement>& placements) {
  std::unordered_map<PairId, std::array<std::size_t, kSplitCount>> counts;
  for (std::size_t i = 0; i < inputs.size(); ++i) ++counts[inputs[i].cluster][static_cast<std::size_t>(placements[i].split)];
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const auto& of_cluster = counts[inputs[i].cluster];
    const auto home = static_cast<Split>(std::max_element(of_cluster.begin(), of_cluster.end()) - of_cluster.begin());
    placements[i] = {home, placements[i].split != home};
  }
}

// One split an input, leaks not looked at.
std::vector<Split> deal_out(std::span<const SplitInput> inputs, const ReduceOptions& options) {
  const Shares shares{wanted(inputs.size(), options.validation_share), wanted(inputs.size(), options.test_share)};
  std::vector<Split> out(inputs.size());
  for (const auto grain : {Grain::group, Grain::file, Grain::cluster}) {
    const auto units = units_of(inputs, grain, shares, options.seed);
    const auto dealt = deal(units, shares);
    if (!dealt.enough && grain != Grain::cluster) continue;
    for (std::size_t i = 0; i < inputs.size(); ++i) out[i] = dealt.splits.at(units[i]);
    break;
  }
  return out;
}

}  // namespace

std::vector<Placement> place(std::span<const SplitInput> inputs, const ReduceOptions& options) {
  std::unordered_map<std::string_view, Stratum> strata;
  for (const auto& input : inputs) {
    auto& stratum = strata[input.group];
    stratum = std::max(stratum, input.stratum);
  }
  std::vector<Placement> out(inputs.size());
  for (const auto stratum : {Stratum::made, Stratum::mined, Stratum::released}) {
    std::vector<SplitInput> part;
    std::vector<std::size_t> owners;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if (strata.at(inputs[i].group) != stratum) continue;
      part.push_back(inputs[i]);
      owners.push_back(i);
    }
    const auto splits = deal_out(part, options);
    for (std::size_t k = 0; k < owners.size(); ++k) out[owners[k]].split = splits[k];
  }
  mark_leaks(inputs, out);
  return out;
}

}  // namespace mendel::validator
