// What `mendel mine git`, `github` and `release` share: from work items to pairs or to the funnel.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
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

// One run over many sources of one kind. Pairs come out as JSON lines in the order of the items,
// whatever options.jobs is; of several pairs of one change (cherry-picks, forks) the first. Not thread-safe.
class MiningRun {
 public:
  // io_error if options.out cannot be written. `config` and `mining` must outlive it.
  static Result<std::unique_ptr<MiningRun>> start(const MineOptions& options, const Config& config, const Mining& mining);
  ~MiningRun();

  // Blocks until `items` are mined or the run is interrupted. `done` hears of units as they are finished.
  // The first error of an item is answered after all of them.
  Outcome add(const std::vector<WorkItem>& items, const std::function<void(std::uint64_t units)>& done);

  std::uint64_t count(const char* counter) const;  // of the funnel

  // Prints the funnel if it was asked for. Answers the exit status.
  int finish(const Context& context);

 private:
  struct State;
  explicit MiningRun(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Commits of an item; a step from release to release is one unit.
std::uint64_t units_of(const WorkItem& item);

}  // namespace mendel::cli
