// A node as an actor: carries out what NodeCore decides.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "actors/runtime/actors.hpp"
#include "actors/runtime/node_core.hpp"
#include "actors/runtime/plant_log.hpp"
#include "actors/runtime/probe.hpp"
#include "actors/runtime/role_actor.hpp"

namespace mendel::runtime {

// How a node ended, for the thread that waits for it. Thread-safe.
class NodeEnd {
 public:
  void set(std::string refused) {
    const std::lock_guard lock(mutex_);
    if (!ended_.exchange(true)) refused_ = std::move(refused);
  }
  bool ended() const { return ended_; }
  std::string refused() const {
    const std::lock_guard lock(mutex_);
    return refused_;
  }

 private:
  mutable std::mutex mutex_;
  std::atomic<bool> ended_{false};
  std::string refused_;
};

struct NodeSetup {
  Hello hello;
  std::vector<Stage::Value> stages;
  NodeLimits limits;
  Config local;  // workers and tool paths are taken from here
  TrainFunction train;
  std::function<void(EnvelopePtr)> send;  // to the coordinator; thread-safe
  std::shared_ptr<NodeProbe> probe;
  std::shared_ptr<NodeEnd> end;
  std::shared_ptr<PlantLog> journal;  // null: none
  std::function<void(std::string_view)> log;
};

struct node_state {
  static inline const char* name = "node";
  NodeSetup setup;
  std::unique_ptr<NodeCore> core;
  std::shared_ptr<const Config> config;  // the coordinator's with our own tool paths; null before the welcome
  std::shared_ptr<StageTools> tools;
  std::map<Stage::Value, std::vector<role_actor>> idle;
  std::vector<role_actor> roles;
  bool flushing = false, ended = false;
};

node_actor::behavior_type run_node_actor(node_actor::stateful_pointer<node_state> self, NodeSetup setup);

// The greeting of a node of this build.
Hello hello_of(const std::string& name, const std::vector<std::string>& roles);
// From the local configuration: how many items at once.
NodeLimits limits_of(const Config& config);

}  // namespace mendel::runtime
