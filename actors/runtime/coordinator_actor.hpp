// The coordinator as an actor: envelopes in, group commits, envelopes out.
#pragma once

#include <atomic>
#include <filesystem>
#include <limits>
#include <map>
#include <memory>
#include <set>

#include "actors/runtime/actors.hpp"
#include "actors/runtime/coordinator_core.hpp"
#include "actors/runtime/plant_log.hpp"
#include "actors/runtime/transport.hpp"

namespace mendel::runtime {

struct CoordinatorSetup {
  Config config;
  Until until = Until::train;
  bool serve_on = false;  // do not end when `until` is reached
  Folders folders;
  std::shared_ptr<storage::PlantStore> store;
  std::shared_ptr<ItemQueue> queue;
  dataset_actor dataset;
  metrics_actor metrics;  // may be invalid: none
  // The way to nodes of other processes; null until it is open.
  std::shared_ptr<std::atomic<ServerTransport*>> wire = std::make_shared<std::atomic<ServerTransport*>>(nullptr);
  std::shared_ptr<PlantLog> journal;  // null: none
  std::function<void(std::string_view)> log;
  // Bytes free on the disk of the store; intake pauses below `reserve_bytes`.
  std::function<std::uint64_t()> free_bytes = [] { return std::numeric_limits<std::uint64_t>::max(); };
  std::uint64_t reserve_bytes = 0;
  std::function<void()> beat = [] {};  // called with every tick: this actor still moves
};

struct coordinator_state {
  static inline const char* name = "coordinator";
  CoordinatorSetup setup;
  std::unique_ptr<PlantCore> plant;
  std::unique_ptr<CoordinatorCore> core;
  std::map<std::string, node_actor> here;  // nodes of this process
  std::set<std::string> seen;  // nodes of other processes that are in, to tell of each that comes and goes
  std::optional<Error> failure;
  Phase logged = Phase::done;  // newest phase in the log
  std::vector<std::pair<ItemsPtr, caf::typed_response_promise<bool>>> waiting_plans;  // for room on the disk
  std::uint64_t free_bytes = 0;
  bool paused = false, flushing = false, draining = false, reused = false, ended = false;
  Moment goodbye_at{0}, measured_at{0};
};

// Spawn it detached.
coordinator_actor::behavior_type run_coordinator(coordinator_actor::stateful_pointer<coordinator_state> self, CoordinatorSetup setup);

// Monotonic time of this process.
Moment monotonic_now();

}  // namespace mendel::runtime
