// Prometheus text on metrics.listen: what the plant's view and this process's probes say.
#pragma once

#include <memory>
#include <string>

#include "actors/runtime/actors.hpp"
#include "actors/runtime/probe.hpp"
#include "actors/runtime/transport.hpp"

namespace mendel::runtime {

// The HTTP server and the table of metrics. Thread-safe.
class MetricsServer {
 public:
  // `listen` is HOST:PORT (port 0: any). `process` names the node or "coordinator" in mendel_build_info.
  // invalid_input if the address cannot be had.
  static Result<std::unique_ptr<MetricsServer>> start(const std::string& listen, const std::string& process, std::shared_ptr<const NodeProbe> probe);
  virtual ~MetricsServer() = default;
  virtual void show(PlantViewPtr view) = 0;
  virtual int port() const = 0;
};

struct metrics_state {
  static inline const char* name = "metrics";
  std::shared_ptr<MetricsServer> server;
};

metrics_actor::behavior_type run_metrics(metrics_actor::stateful_pointer<metrics_state> self, std::shared_ptr<MetricsServer> server);

}  // namespace mendel::runtime
