// The metrics actor: keeps the newest view for those who ask over HTTP (metrics_server.hpp).
#pragma once

#include <memory>
#include <string>

#include "actors/runtime/actors.hpp"
#include "actors/runtime/metrics_server.hpp"

namespace mendel::runtime {

struct metrics_state {
  static inline const char* name = "metrics";
  std::shared_ptr<MetricsServer> server;
};

metrics_actor::behavior_type run_metrics(metrics_actor::stateful_pointer<metrics_state> self, std::shared_ptr<MetricsServer> server);

}  // namespace mendel::runtime
