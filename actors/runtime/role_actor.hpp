// The roles as actors: one generic actor, one row a role that says how its stage is started.
#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "actors/runtime/actors.hpp"
#include "actors/runtime/node.hpp"
#include "actors/runtime/vocabularies.hpp"

namespace mendel::runtime {

// What stages need beside the configuration; shared by all role actors of a node.
struct StageTools {
  std::shared_ptr<Vocabularies> vocabularies = std::make_shared<Vocabularies>();
  TrainFunction train;  // empty: this program cannot train
  std::function<void(const Report&)> report;
  std::shared_ptr<std::atomic<bool>> stop = std::make_shared<std::atomic<bool>>(false);
};

// Runs one item; blocking; one thread at a time.
using StageFunction = std::function<Result<WorkResult>(const WorkItem&)>;

// Starts the stage's helpers. unavailable if something it cannot do without is missing, with the remedy.
Result<StageFunction> start_stage(Stage::Value stage, const Config& config, const StageTools& tools);

struct role_state {
  const char* name = "role";
  StageFunction run;
};

// The stage is started with the first item. Spawn it detached.
role_actor::behavior_type run_role(role_actor::stateful_pointer<role_state> self, Stage::Value stage, std::shared_ptr<const Config> config,
                                   std::shared_ptr<const StageTools> tools);

// The result that says that an attempt at `item` failed. `interrupted` errors carry kBrokenOff.
WorkResult failed_result(const WorkItem& item, const Error& error);

// `error` of an attempt that our own end broke off: the item goes back, no failure counts.
inline constexpr const char* kBrokenOff = "broken off";

}  // namespace mendel::runtime
