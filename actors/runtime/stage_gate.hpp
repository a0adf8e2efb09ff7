// Which stages may hand out items now, in which order, and how many: priorities, depth watermarks, rates.
//
// On the data's way: the plan asks it before each lease. Pure; time comes in as an argument.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <vector>

#include "actors/runtime/rate_budget.hpp"
#include "proto/config.pb.h"
#include "proto/work.pb.h"

namespace mendel::runtime {

// Not thread-safe.
class StageGate {
 public:
  // queue.priority_STAGE and queue.rate_STAGE for each stage that has such keys.
  explicit StageGate(const Config& config);

  // All stages, those that go first in front: by priority, then later stages before earlier ones, so that
  // what was begun is finished.
  std::span<const Stage::Value> order() const { return order_; }

  // Looks at how many items wait: a stage at queue.depth_high pauses the stages that feed it until it is
  // below queue.depth_low.
  void see_depth(Stage::Value stage, std::uint64_t waiting);

  // How many of `wanted` items the stage may hand out now; they count against its rate.
  std::uint32_t take(Stage::Value stage, std::uint32_t wanted, Moment now);
  void give_back(Stage::Value stage, std::uint32_t unused);
  // A source asked to wait: the stage hands out nothing before `until`.
  void pause(Stage::Value stage, Moment until);
  // Instead of a rate of the configuration: whatever counts what the stage uses.
  void ration(Stage::Value stage, std::unique_ptr<RateBudget> budget) { budgets_[stage] = std::move(budget); }

  // The newest `take` got less than it wanted.
  bool paused(Stage::Value stage) const { return paused_.contains(stage); }

 private:
  std::uint64_t depth_high_, depth_low_;
  std::vector<Stage::Value> order_;
  std::map<Stage::Value, std::unique_ptr<RateBudget>> budgets_;
  std::map<Stage::Value, Moment> wait_until_;
  std::set<Stage::Value> full_, paused_;
};

}  // namespace mendel::runtime
