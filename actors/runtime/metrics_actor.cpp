// One row a metric; the text itself is prometheus-cpp's.
#include "actors/runtime/metrics_actor.hpp"

#include <prometheus/collectable.h>
#include <prometheus/exposer.h>
#include <prometheus/metric_family.h>

#include <mutex>

#include "actors/runtime/stages.hpp"

namespace mendel::runtime {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;

struct PlanRow {
  const char* name;
  const char* help;
  std::uint64_t (StageStatus::*value)() const;
};
constexpr PlanRow kPlan[] = {
    {"mendel_stage_depth", "items planned and not leased", &StageStatus::pending},
    {"mendel_stage_leases", "items that workers hold", &StageStatus::leased},
    {"mendel_stage_done", "items of this plan that are stored", &StageStatus::done},
    {"mendel_stage_dead", "items in the dead letters", &StageStatus::dead},
};

struct WorkRow {
  const char* name;
  const char* help;
  double (*value)(const NodeProbe::Counts&);
};
constexpr WorkRow kWork[] = {
    {"mendel_stage_items_in_total", "items that workers of this process began", [](const NodeProbe::Counts& c) { return static_cast<double>(c.items_in); }},
    {"mendel_stage_items_out_total", "items that they finished", [](const NodeProbe::Counts& c) { return static_cast<double>(c.items_out); }},
    {"mendel_stage_failed_total", "attempts that failed", [](const NodeProbe::Counts& c) { return static_cast<double>(c.failed); }},
    {"mendel_stage_pairs_total", "candidate pairs that they made", [](const NodeProbe::Counts& c) { return static_cast<double>(c.pairs); }},
    {"mendel_stage_rejections_total", "inputs that they turned away with a reason", [](const NodeProbe::Counts& c) { return static_cast<double>(c.rejections); }},
    {"mendel_stage_seconds_total", "wall clock that they worked, seconds", [](const NodeProbe::Counts& c) { return c.seconds; }},
};

struct PlantRow {
  const char* name;
  const char* help;
  double (*value)(const PlantView&);
};
constexpr PlantRow kPlant[] = {
    {"mendel_nodes", "nodes that are joined", [](const PlantView& v) { return static_cast<double>(v.status.nodes_size()); }},
    {"mendel_attempts_failed", "failed attempts since the start", [](const PlantView& v) { return static_cast<double>(v.failures); }},
    {"mendel_results_duplicate", "results of finished items since the start", [](const PlantView& v) { return static_cast<double>(v.duplicates); }},
    {"mendel_intake_paused", "1 while the disk has too little room and nothing is handed out", [](const PlantView& v) { return v.status.intake_paused().empty() ? 0.0 : 1.0; }},
    {"mendel_disk_free_bytes", "free on the disk of the store", [](const PlantView& v) { return static_cast<double>(v.status.disk_free_bytes()); }},
    {"mendel_dead_letters", "items in the dead letters", [](const PlantView& v) { return static_cast<double>(v.dead); }},
};

MetricFamily family(const std::string& name, const std::string& help, MetricType type) {
  MetricFamily out;
  out.name = name;
  out.help = help;
  out.type = type;
  return out;
}

void add(MetricFamily& family, Labels labels, double value) {
  ClientMetric metric;
  metric.label = std::move(labels);
  (family.type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
  family.metric.push_back(std::move(metric));
}

void collect_plant(const PlantView& view, std::vector<MetricFamily>& out) {
  for (const auto& row : kPlan) {
    auto made = family(row.name, row.help, MetricType::Gauge);
    for (const auto& stage : view.status.stages()) add(made, {{"stage", stage.stage()}}, static_cast<double>((stage.*row.value)()));
    out.push_back(std::move(made));
  }
  auto paused = family("mendel_stage_paused", "1 while items wait and the stage hands out none: its rate, a full stage after it, a source", MetricType::Gauge);
  for (const auto& stage : view.status.stages()) add(paused, {{"stage", stage.stage()}}, stage.paused() ? 1 : 0);
  out.push_back(std::move(paused));
  for (const auto& row : kPlant) {
    out.push_back(family(row.name, row.help, MetricType::Gauge));
    add(out.back(), {}, row.value(view));
  }
  auto phase = family("mendel_phase", "1 for the phase that the plant is in", MetricType::Gauge);
  add(phase, {{"phase", view.status.phase()}}, 1);
  out.push_back(std::move(phase));
  auto rejected = family("mendel_rejected", "inputs and pairs turned away in this plan, by reason", MetricType::Gauge);
  constexpr std::string_view kPrefix = "rejected:";
  for (const auto& [name, count] : view.status.funnel()) {
    const auto colon = name.find(':', kPrefix.size());
    if (name.starts_with(kPrefix) && colon != std::string::npos)
      add(rejected, {{"stage", name.substr(kPrefix.size(), colon - kPrefix.size())}, {"reason", name.substr(colon + 1)}}, static_cast<double>(count));
  }
  if (!rejected.metric.empty()) out.push_back(std::move(rejected));
  for (const auto& [name, value] : view.training) {
    out.push_back(family("mendel_" + name, "newest sample of training", MetricType::Gauge));
    add(out.back(), {}, value);
  }
}

class Table final : public prometheus::Collectable {
 public:
  Table(std::string process, std::shared_ptr<const NodeProbe> probe) : process_(std::move(process)), probe_(std::move(probe)) {}

  void show(PlantViewPtr view) {
    const std::lock_guard lock(mutex_);
    view_ = std::move(view);
  }

  std::vector<MetricFamily> Collect() const override {
    std::vector<MetricFamily> out;
    out.push_back(family("mendel_build_info", "always 1; the labels say what runs", MetricType::Gauge));
    add(out.back(), {{"build", build_name()}, {"process", process_}}, 1);
    const auto work = probe_->counts();
    for (const auto& row : kWork) {
      auto made = family(row.name, row.help, MetricType::Counter);
      for (const auto& stage : stages()) {
        const auto at = work.find(stage.stage);
        add(made, {{"stage", stage.name}}, row.value(at == work.end() ? NodeProbe::Counts{} : at->second));
      }
      out.push_back(std::move(made));
    }
    PlantViewPtr view;
    {
      const std::lock_guard lock(mutex_);
      view = view_;
    }
    if (view) collect_plant(*view, out);
    return out;
  }

 private:
  const std::string process_;
  const std::shared_ptr<const NodeProbe> probe_;
  mutable std::mutex mutex_;
  PlantViewPtr view_;
};

class Server final : public MetricsServer {
 public:
  Server(const std::string& listen, std::shared_ptr<Table> table) : table_(std::move(table)), exposer_(listen, 1) {
    exposer_.RegisterCollectable(table_);
  }
  void show(PlantViewPtr view) override { table_->show(std::move(view)); }
  int port() const override { return exposer_.GetListeningPorts().front(); }

 private:
  std::shared_ptr<Table> table_;
  prometheus::Exposer exposer_;
};

}  // namespace

Result<std::unique_ptr<MetricsServer>> MetricsServer::start(const std::string& listen, const std::string& process, std::shared_ptr<const NodeProbe> probe) {
  try {
    return std::unique_ptr<MetricsServer>(std::make_unique<Server>(listen, std::make_shared<Table>(process, std::move(probe))));
  } catch (const std::exception&) {
    return Error{ErrorCode::invalid_input, "metrics.listen: cannot serve on \"" + listen + "\" (expected HOST:PORT that is free here)"};
  }
}

metrics_actor::behavior_type run_metrics(metrics_actor::stateful_pointer<metrics_state> self, std::shared_ptr<MetricsServer> server) {
  self->state.server = std::move(server);
  return {
      [self](const PlantViewPtr& view) { self->state.server->show(view); },
      [self](quit_atom) { self->quit(); },
  };
}

}  // namespace mendel::runtime
