// Which split each pair belongs to, so that nothing held out was seen in training.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "actors/validator/reduce.hpp"

namespace mendel::validator {

struct SplitInput {
  std::string_view group, path;
  PairId cluster;
  Stratum stratum = Stratum::made;
};

struct Placement {
  Split split = Split::train;
  bool leaks = false;  // must be left out: near-duplicates of it lie in `split`, its group elsewhere
};

// Whole groups go to test, then validation, then training, in the order of a seeded hash, until the
// shares are met; a group that would overshoot a share by half stays in training. If groups are so
// few or large that a held-out split stays below half its share, groups larger than the share are
// broken up into their files, and if that does not do either, into clusters. Pairs without a group are
// placed by cluster. The groups of each stratum are dealt out on their own by the same rules, so that the
// few real bugs have their share in every split and can be scored apart; a group with pairs of several
// strata belongs to the last of them.
//
// Clusters that then lie in several splits are kept in the one that holds most of them (a tie: the
// earlier of train, validation, test); their pairs in other splits leak and are to be left out. That
// costs few pairs, where joining linked groups would let trivial functions tie all packages into one.
//
// One placement an input; depends on the set of inputs alone.
std::vector<Placement> place(std::span<const SplitInput> inputs, const ReduceOptions& options);

}  // namespace mendel::validator
