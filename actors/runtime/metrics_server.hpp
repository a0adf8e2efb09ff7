// HTTP on metrics.listen: /metrics (Prometheus text), /healthz (200 while the actors answer), /readyz (200
// while the process can do its work); otherwise 503 and a line that says why.
#pragma once

#include <memory>
#include <string>

#include "actors/runtime/metrics_table.hpp"
#include "proto/result.hpp"

namespace mendel::runtime {

// Thread-safe. Answers are made when asked for, on a thread of the server.
class MetricsServer {
 public:
  // `listen` is HOST:PORT (port 0: any). invalid_input if the address cannot be had.
  static Result<std::unique_ptr<MetricsServer>> start(const std::string& listen, MetricsSources sources);
  virtual ~MetricsServer() = default;
  virtual void show(PlantViewPtr view) = 0;
  virtual int port() const = 0;
};

}  // namespace mendel::runtime
