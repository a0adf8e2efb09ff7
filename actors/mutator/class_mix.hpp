// How a wanted mix of bug classes is met by choices that each function makes alone: the class of a bug is drawn
// by four weights, and the weights are fitted to what a sample of the functions has places for.
//
// So the mix hangs on the sources and the seed, never on the order of the work or the number of workers.
#pragma once

#include <array>
#include <cstdint>
#include <map>

#include "actors/mutator/operators.hpp"

namespace mendel::mutator {

// Syntax, logic, style, and security, async and framework together.
inline constexpr std::size_t kGroups = 4;
constexpr std::size_t group_of(OperatorClass value) { return value < OperatorClass::security ? static_cast<std::size_t>(value) : kGroups - 1; }

using GroupShares = std::array<double, kGroups>;
using GroupWeights = std::array<double, kGroups>;
using GroupPlaces = std::array<std::uint32_t, kGroups>;  // operators of each group that find a place in one function

// An estimate for 30/40/20/10, for work that brings no weights of its own.
inline constexpr GroupWeights kUsualWeights = {0.25, 0.34, 0.17, 0.24};

// Files whose functions are measured: 20,600 bugs in the standard library then came out as 30.1 to 30.6, 40.1 to 40.3,
// 19.8 to 20.0 and 9.5 to 9.7 % (two seeds).
inline constexpr std::size_t kMixFilesMax = 256;

class ClassMix {
 public:
  void add(const GroupPlaces& places) { ++functions_[limited(places)]; }
  bool empty() const { return functions_.empty(); }

  // The weights by which draws come nearest to `shares` (scaled to 1), summing to 1. `per_function` >= 1 draws
  // without replacement. Iterative proportional fitting: deterministic, only + * /. A share that the material
  // does not allow is met as far as it goes, the others keep their proportion.
  GroupWeights weights(const GroupShares& shares, std::uint32_t per_function) const;

  // The shares that `weights` give.
  GroupShares expected(const GroupWeights& weights, std::uint32_t per_function) const;

 private:
  static GroupPlaces limited(GroupPlaces places);

  std::map<GroupPlaces, std::uint64_t> functions_;  // how many have so many places
};

}  // namespace mendel::mutator
