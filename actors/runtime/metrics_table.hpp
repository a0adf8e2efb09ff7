// Every metric that a process serves, as rows: name, help, labels, where its value comes from. What they
// mean for whoever reads a graph: docs/metrics.md, which a test holds to this table.
#pragma once

#include <prometheus/metric_family.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "actors/runtime/process_health.hpp"
#include "actors/runtime/host_probe.hpp"
#include "actors/runtime/plant_view.hpp"
#include "actors/runtime/probe.hpp"
#include "actors/runtime/transport.hpp"

namespace mendel::runtime {

// Where the numbers of one process come from.
struct MetricsSources {
  std::string process;  // name of the node, or "coordinator"
  std::shared_ptr<const NodeProbe> probe;
  std::shared_ptr<const ProcessHealth> health;
  std::function<const TransportCounters*()> wire;  // null, or answers null: this process has no wire (yet)
  HostFolders host;
};

// All families now. `view` is null on a node. Labels are bounded: stages, phases and directions are closed
// lists, reasons at most NodeProbe::kReasonsMax a stage, nodes those on the allow-list.
std::vector<prometheus::MetricFamily> collect_metrics(const MetricsSources& sources, const PlantView* view);

}  // namespace mendel::runtime
