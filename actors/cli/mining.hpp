// What `mendel mine git`, `github` and `release` share: from work items to pairs or to the funnel.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "actors/cli/context.hpp"
#include "actors/miner/mining_funnel.hpp"
#include "proto/work.pb.h"

namespace mendel::cli {

struct MineOptions {
  std::vector<std::string> repositories;  // or packages
  bool stats = false;  // the funnel instead of the pairs
  bool list = false;  // github: the repositories instead of the pairs
  std::uint32_t jobs = 1;
  std::string out;
  std::uint32_t seed = 0;
};

// What sets one kind of source apart.
struct Mining {
  const char* unit;  // of progress
  const char* units;  // counters of the funnel
  const char* pairs;
  std::span<const char* const> columns;  // counters shown of each source
  std::span<const miner::FunnelStep> (*funnel)();
};
extern const Mining kMiningHistory, kMiningReleases;

// Pairs as JSON lines in the order of `items`, whatever options.jobs is; of several pairs of one change
// (cherry-picks, forks) the first. Answers the exit status.
int mine_items(const Context& context, const MineOptions& options, const Config& config, const Mining& mining,
               const std::vector<WorkItem>& items);

}  // namespace mendel::cli
