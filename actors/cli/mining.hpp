// What `mendel mine git` and `mendel mine github` share: from work items to pairs or to the funnel.
#pragma once

#include <string>
#include <vector>

#include "actors/cli/context.hpp"
#include "proto/work.pb.h"

namespace mendel::cli {

struct MineOptions {
  std::vector<std::string> repositories;
  bool stats = false;  // the funnel instead of the pairs
  bool list = false;  // github: the repositories instead of the pairs
  std::uint32_t jobs = 1;
  std::string out;
  std::uint32_t seed = 0;
};

// Pairs as JSON lines in the order of `items`, whatever options.jobs is; of several pairs of one change
// (cherry-picks, forks) the first. Answers the exit status.
int mine_items(const Context& context, const MineOptions& options, const Config& config, const std::vector<WorkItem>& items);

}  // namespace mendel::cli
