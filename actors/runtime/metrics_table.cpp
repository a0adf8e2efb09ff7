// One row a metric.
#include "actors/runtime/metrics_table.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "actors/runtime/frames.hpp"
#include "actors/runtime/plant_core.hpp"
#include "actors/runtime/stages.hpp"

namespace mendel::runtime {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;
using Counts = NodeProbe::Counts;
constexpr auto kGauge = MetricType::Gauge;
constexpr auto kCounter = MetricType::Counter;

double number(std::uint64_t value) { return static_cast<double>(value); }

// ---- of the plan, by stage (coordinator)
struct PlanRow {
  const char* name;
  const char* help;
  std::uint64_t (*value)(const StageStatus&);
};
constexpr PlanRow kPlan[] = {
    {"mendel_stage_depth", "Items planned and not leased.", [](const StageStatus& s) { return s.pending(); }},
    {"mendel_stage_leases", "Items that workers hold.", [](const StageStatus& s) { return s.leased(); }},
    {"mendel_stage_done", "Items of this plan whose results are stored.", [](const StageStatus& s) { return s.done(); }},
    {"mendel_stage_dead", "Items in the dead letters.", [](const StageStatus& s) { return s.dead(); }},
    {"mendel_stage_paused", "1 while items wait and the stage hands out none: its rate, a full stage after it, a source that asked to wait.",
     [](const StageStatus& s) { return std::uint64_t{s.paused()}; }},
};

// ---- of this process's workers, by stage
struct WorkRow {
  const char* name;
  const char* help;
  double (*value)(const Counts&);
};
constexpr WorkRow kWork[] = {
    {"mendel_stage_items_in_total", "Attempts that workers of this process began.", [](const Counts& c) { return number(c.items_in); }},
    {"mendel_stage_items_out_total", "Attempts that they finished.", [](const Counts& c) { return number(c.items_out); }},
    {"mendel_stage_pairs_total", "Candidate pairs that they made.", [](const Counts& c) { return number(c.pairs); }},
};

// ---- of the plant (coordinator)
struct PlantRow {
  const char* name;
  const char* help;
  MetricType type;
  double (*value)(const PlantView&);
};
constexpr PlantRow kPlant[] = {
    {"mendel_nodes", "Nodes that are joined.", kGauge, [](const PlantView& v) { return static_cast<double>(v.status.nodes_size()); }},
    {"mendel_dead_letters", "Items in the dead letters.", kGauge, [](const PlantView& v) { return number(v.dead); }},
    {"mendel_attempts_failed_total", "Failed attempts.", kCounter, [](const PlantView& v) { return number(v.failures); }},
    {"mendel_results_stored_total", "Results that were new.", kCounter, [](const PlantView& v) { return number(v.stored); }},
    {"mendel_results_duplicate_total", "Results of items that were finished already, dropped.", kCounter, [](const PlantView& v) { return number(v.duplicates); }},
    {"mendel_intake_paused", "1 while the disk has too little room and nothing is handed out.", kGauge, [](const PlantView& v) { return v.status.intake_paused().empty() ? 0.0 : 1.0; }},
    {"mendel_disk_free_bytes", "Free on the disk of the store.", kGauge, [](const PlantView& v) { return number(v.status.disk_free_bytes()); }},
    {"mendel_lease_age_max_seconds", "How long the item that is held longest has been held; 0 if none is.", kGauge, [](const PlantView& v) { return v.oldest_lease_s; }},
    {"mendel_phase_left_seconds", "Estimated time left in this phase; absent while unknown.", kGauge,
     [](const PlantView& v) { return v.status.eta_s() < 0 ? std::numeric_limits<double>::quiet_NaN() : v.status.eta_s(); }},
};

struct PairsRow {
  const char* state;
  std::uint64_t (Status::*value)() const;
};
constexpr PairsRow kPairs[] = {{"made", &Status::pairs}, {"accepted", &Status::accepted}, {"rejected", &Status::rejected}};

// ---- nodes (coordinator)
struct NodeRow {
  const char* name;
  const char* help;
  double (*value)(const NodeStatus&);
};
constexpr NodeRow kNodes[] = {
    {"mendel_node_leases", "Items that the node holds.", [](const NodeStatus& n) { return number(n.leased()); }},
    {"mendel_node_results", "Results of the node that were new, since it joined.", [](const NodeStatus& n) { return number(n.done()); }},
    {"mendel_node_silence_seconds", "How long ago the node was heard.", [](const NodeStatus& n) { return n.seen_s_ago(); }},
    {"mendel_node_draining", "1 while the node finishes and takes no more.", [](const NodeStatus& n) { return n.draining() ? 1.0 : 0.0; }},
};

// ---- the wire
using Count = std::atomic<std::uint64_t> TransportCounters::*;
struct WireRow {
  const char* name;
  const char* help;
  const char* label;
  const char* value;
  Count count;
};
constexpr WireRow kWire[] = {
    {"mendel_wire_frames_total", "Frames on the sockets between processes.", "direction", "in", &TransportCounters::frames_in},
    {"mendel_wire_frames_total", "", "direction", "out", &TransportCounters::frames_out},
    {"mendel_wire_bytes_total", "Bytes of these frames.", "direction", "in", &TransportCounters::bytes_in},
    {"mendel_wire_bytes_total", "", "direction", "out", &TransportCounters::bytes_out},
    {"mendel_wire_faults_total", "What was turned away or lost: unknown keys, frames under another's name, no envelope, no peer.", "fault", "unknown_key", &TransportCounters::refused},
    {"mendel_wire_faults_total", "", "fault", "impostor", &TransportCounters::impostors},
    {"mendel_wire_faults_total", "", "fault", "garbled", &TransportCounters::garbled},
    {"mendel_wire_faults_total", "", "fault", "dropped", &TransportCounters::dropped},
};

// ---- training: the trainer's samples under names and units that Prometheus asks for
struct TrainingRow {
  const char* sample;
  const char* name;
  const char* help;
  double factor;
  const char* label;  // null: none
  const char* value;
};
constexpr double kMinute = 60;
constexpr const char* kExactHelp = "Share of held-out bugs whose best edit is the fix, by the share of clean functions that raise a false alarm.";
constexpr TrainingRow kTraining[] = {
    {"training_stage", "mendel_training_stage", "Stage of the curriculum.", 1, nullptr, nullptr},
    {"training_step", "mendel_training_step", "Newest step.", 1, nullptr, nullptr},
    {"training_steps", "mendel_training_steps_planned", "Steps that the run is limited to.", 1, nullptr, nullptr},
    {"training_samples", "mendel_training_samples", "Samples seen.", 1, nullptr, nullptr},
    {"training_loss", "mendel_training_loss", "Mean loss since the last report, nats a sample.", 1, nullptr, nullptr},
    {"training_minutes", "mendel_training_cpu_seconds", "CPU time spent on training, resumes included.", kMinute, nullptr, nullptr},
    {"training_minutes_total", "mendel_training_cpu_planned_seconds", "CPU time that the run may spend.", kMinute, nullptr, nullptr},
    {"training_samples_per_s", "mendel_training_samples_per_second", "Samples a second of wall clock, over the last steps.", 1, nullptr, nullptr},
    {"training_exact_always", "mendel_training_exact_share", kExactHelp, 1, "false_alarms", "any"},
    {"training_exact_at_5", "mendel_training_exact_share", kExactHelp, 1, "false_alarms", "0.05"},
    {"training_exact_at_10", "mendel_training_exact_share", kExactHelp, 1, "false_alarms", "0.10"},
    {"training_exact_at_20", "mendel_training_exact_share", kExactHelp, 1, "false_alarms", "0.20"},
};

// ---- the machine and this process
struct HostRow {
  const char* name;
  const char* help;
  MetricType type;
  const char* label;  // null: none
  const char* value;
  double (*read)(const HostSample&);
};
constexpr HostRow kHost[] = {
    {"mendel_host_cpu_seconds_total", "CPU time of this machine, summed over cores.", kCounter, "mode", "busy", [](const HostSample& h) { return h.cpu_busy_s; }},
    {"mendel_host_cpu_seconds_total", "", kCounter, "mode", "idle", [](const HostSample& h) { return h.cpu_idle_s; }},
    {"mendel_host_cores", "Cores of this machine.", kGauge, nullptr, nullptr, [](const HostSample& h) { return static_cast<double>(h.cores); }},
    {"mendel_host_memory_bytes", "Memory of this machine.", kGauge, "state", "total", [](const HostSample& h) { return number(h.memory_total); }},
    {"mendel_host_memory_bytes", "", kGauge, "state", "available", [](const HostSample& h) { return number(h.memory_available); }},
    {"mendel_host_disk_bytes_total", "Bytes read from and written to the disks of this machine.", kCounter, "direction", "read", [](const HostSample& h) { return number(h.disk_read); }},
    {"mendel_host_disk_bytes_total", "", kCounter, "direction", "written", [](const HostSample& h) { return number(h.disk_written); }},
    {"mendel_data_disk_bytes", "The disk that holds the data folder.", kGauge, "state", "total", [](const HostSample& h) { return number(h.data_total); }},
    {"mendel_data_disk_bytes", "", kGauge, "state", "free", [](const HostSample& h) { return number(h.data_free); }},
    {"mendel_host_gpus", "GPUs that this machine tells of.", kGauge, nullptr, nullptr, [](const HostSample& h) { return number(h.gpus.size()); }},
    {"process_cpu_seconds_total", "CPU time of this process.", kCounter, nullptr, nullptr, [](const HostSample& h) { return h.own_cpu_s; }},
    {"process_resident_memory_bytes", "Memory of this process.", kGauge, nullptr, nullptr, [](const HostSample& h) { return number(h.own_resident); }},
    {"process_open_fds", "Open file descriptors of this process.", kGauge, nullptr, nullptr, [](const HostSample& h) { return number(h.own_files); }},
    {"process_start_time_seconds", "When this process started, seconds since 1970.", kGauge, nullptr, nullptr, [](const HostSample& h) { return h.own_started_s; }},
};

struct GpuRow {
  const char* name;
  const char* help;
  const char* state;  // null: no such label
  double (*read)(const GpuSample&);
};
constexpr GpuRow kGpu[] = {
    {"mendel_gpu_busy_ratio", "Share of the time that the GPU computes.", nullptr, [](const GpuSample& g) { return g.busy; }},
    {"mendel_gpu_memory_bytes", "Memory of the GPU.", "total", [](const GpuSample& g) { return number(g.memory_total); }},
    {"mendel_gpu_memory_bytes", "", "used", [](const GpuSample& g) { return number(g.memory_used); }},
};

// Families under construction; a row of a name that is there already adds to it.
class Families {
 public:
  explicit Families(std::vector<MetricFamily>& out) : out_(out) {}

  MetricFamily& family(const char* name, const char* help, MetricType type) {
    if (!out_.empty() && out_.back().name == name) return out_.back();
    out_.push_back({});
    auto& made = out_.back();
    made.name = name;
    made.help = help;
    made.type = type;
    return made;
  }

  void add(const char* name, const char* help, MetricType type, Labels labels, double value) {
    ClientMetric metric;
    metric.label = std::move(labels);
    (type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
    family(name, help, type).metric.push_back(std::move(metric));
  }

 private:
  std::vector<MetricFamily>& out_;
};

Labels label(const char* name, std::string value) { return name == nullptr ? Labels{} : Labels{{name, std::move(value)}}; }

ClientMetric histogram_of(const char* stage, const Counts& counts) {
  ClientMetric metric;
  metric.label = label("stage", stage);
  metric.histogram.sample_sum = counts.seconds;
  for (std::size_t i = 0; i <= kSecondsBounds.size(); ++i) {
    metric.histogram.sample_count += counts.seconds_within[i];
    const double bound = i < kSecondsBounds.size() ? kSecondsBounds[i] : std::numeric_limits<double>::infinity();
    metric.histogram.bucket.push_back({metric.histogram.sample_count, bound});
  }
  return metric;
}

void collect_work(const NodeProbe& probe, Families& out) {
  const auto work = probe.counts();
  const auto of = [&](Stage::Value stage) {
    const auto at = work.find(stage);
    return at == work.end() ? Counts{} : at->second;
  };
  for (const auto& row : kWork)
    for (const auto& stage : stages()) out.add(row.name, row.help, kCounter, label("stage", stage.name), row.value(of(stage.stage)));
  for (const auto& stage : stages()) {
    const auto counts = of(stage.stage);
    for (const char* kind : {"retried", "permanent", "broken_off"}) {
      const auto at = counts.failed.find(kind);
      out.add("mendel_stage_failed_total", "Attempts that failed: to be tried again, for good, or broken off by our own end.", kCounter,
              {{"stage", stage.name}, {"kind", kind}}, at == counts.failed.end() ? 0 : number(at->second));
    }
  }
  auto& rejected = out.family("mendel_stage_rejections_total", "Inputs that workers of this process turned away, by reason.", kCounter);
  for (const auto& stage : stages())
    for (const auto& [reason, count] : of(stage.stage).rejections) {
      ClientMetric metric;
      metric.label = {{"stage", stage.name}, {"reason", reason}};
      metric.counter.value = number(count);
      rejected.metric.push_back(std::move(metric));
    }
  for (const auto& stage : stages()) {
    const auto counts = of(stage.stage);
    out.add("mendel_stage_bytes_total", "Bytes of items taken in and of results given out.", kCounter, {{"stage", stage.name}, {"direction", "in"}}, number(counts.bytes_in));
    out.add("mendel_stage_bytes_total", "", kCounter, {{"stage", stage.name}, {"direction", "out"}}, number(counts.bytes_out));
  }
  auto& seconds = out.family("mendel_stage_seconds", "Wall clock of one attempt.", MetricType::Histogram);
  for (const auto& stage : stages()) seconds.metric.push_back(histogram_of(stage.name, of(stage.stage)));
}

// "STAGE.NAME" and "rejected:STAGE:REASON" of the plan's counters; finer ones are for `mendel status --json`.
void collect_funnel(const Status& status, Families& out) {
  const std::map<std::string, std::uint64_t> funnel(status.funnel().begin(), status.funnel().end());
  for (const auto& [name, count] : funnel) {
    const auto dot = name.find('.');
    if (name.find(':') == std::string::npos && dot != std::string::npos && name.find('.', dot + 1) == std::string::npos)
      out.add("mendel_counted", "What the stages counted in this plan.", kGauge, {{"stage", name.substr(0, dot)}, {"counter", name.substr(dot + 1)}}, number(count));
  }
  constexpr std::string_view kPrefix = "rejected:";
  for (const auto& [name, count] : funnel) {
    const auto colon = name.find(':', kPrefix.size());
    if (name.starts_with(kPrefix) && colon != std::string::npos)
      out.add("mendel_rejected", "Inputs and pairs turned away in this plan, by reason.", kGauge,
              {{"stage", name.substr(kPrefix.size(), colon - kPrefix.size())}, {"reason", name.substr(colon + 1)}}, number(count));
  }
}

void collect_training(const std::map<std::string, double>& samples, Families& out) {
  for (const auto& row : kTraining)
    if (const auto at = samples.find(row.sample); at != samples.end())
      out.add(row.name, row.help, kGauge, row.label == nullptr ? Labels{} : label(row.label, row.value), at->second * row.factor);
  for (const auto& [name, value] : samples) {
    const bool known = std::any_of(std::begin(kTraining), std::end(kTraining), [&](const auto& row) { return name == row.sample; });
    if (!known) out.add("mendel_training_sample", "Newest value of what else the trainer reports.", kGauge, label("name", name), value);
  }
}

void collect_plant(const PlantView& view, Families& out) {
  for (const auto& row : kPlan)
    for (const auto& stage : view.status.stages()) out.add(row.name, row.help, kGauge, label("stage", stage.stage()), number(row.value(stage)));
  for (const auto& [stage, count] : view.retries) out.add("mendel_stage_retries_total", "Attempts after the first.", kCounter, label("stage", stage), number(count));
  for (const auto& row : kPlant)
    if (const double value = row.value(view); !std::isnan(value)) out.add(row.name, row.help, row.type, {}, value);
  for (const auto& row : kPairs) out.add("mendel_pairs", "Pairs of this plan.", kGauge, label("state", row.state), number((view.status.*row.value)()));
  for (int phase = 0; phase <= static_cast<int>(Phase::done); ++phase) {
    const std::string name = name_of(static_cast<Phase>(phase));
    out.add("mendel_phase", "1 for the phase that the plant is in.", kGauge, label("phase", name), view.status.phase() == name ? 1 : 0);
  }
  for (const auto& row : kNodes)
    for (const auto& node : view.status.nodes()) out.add(row.name, row.help, kGauge, label("node", node.name()), row.value(node));
  collect_funnel(view.status, out);
  collect_training(view.training, out);
}

// What people wait for, as files of the data folder.
struct ArtifactRow {
  const char* kind;
  const char* path;  // "*" stands for one folder or name
};
constexpr ArtifactRow kArtifacts[] = {
    {"vocabulary", "dataset/merges.txt"},  {"dataset", "dataset/manifest.json"}, {"run", "runs/*/summary.json"},
    {"benchmark", "reports/benchmark_report.json"}, {"analysis", "reports/error_analysis_report.md"}, {"finetune", "runs/finetune*/summary.json"},
    {"export", "models/*/model.safetensors"},
};

std::size_t count_files(const std::filesystem::path& data, std::string_view pattern) {
  std::error_code error;
  const auto star = pattern.find('*');
  if (star == pattern.npos) return std::filesystem::exists(data / pattern, error) ? 1 : 0;
  const auto begin = pattern.rfind('/', star) + 1;
  const auto prefix = pattern.substr(begin, star - begin), rest = pattern.substr(star + 2);
  std::size_t count = 0;
  for (std::filesystem::directory_iterator at(data / pattern.substr(0, begin), error), end; !error && at != end; at.increment(error)) {
    std::error_code missing;
    if (at->path().filename().string().starts_with(prefix) && std::filesystem::exists(at->path() / rest, missing)) ++count;
  }
  return count;
}

void collect_host(const HostFolders& folders, Families& out) {
  const auto sample = sample_host(folders);
  for (const auto& row : kHost) out.add(row.name, row.help, row.type, row.label == nullptr ? Labels{} : label(row.label, row.value), row.read(sample));
  for (const auto& row : kGpu)
    for (const auto& gpu : sample.gpus) {
      Labels labels{{"gpu", gpu.name}};
      if (row.state != nullptr) labels.push_back({"state", row.state});
      out.add(row.name, row.help, kGauge, std::move(labels), row.read(gpu));
    }
}

}  // namespace

std::vector<MetricFamily> collect_metrics(const MetricsSources& sources, const PlantView* view) {
  std::vector<MetricFamily> out;
  Families families(out);
  families.add("mendel_build_info", "Always 1; the labels say what runs.", kGauge, {{"build", build_name()}, {"process", sources.process}}, 1);
  if (sources.health) {
    const auto health = sources.health->look();
    families.add("mendel_well", "1 while the actors of this process answer.", kGauge, {}, health.well ? 1 : 0);
    families.add("mendel_ready", "1 while this process can do its work.", kGauge, {}, health.ready ? 1 : 0);
  }
  if (sources.probe) collect_work(*sources.probe, families);
  if (view != nullptr) collect_plant(*view, families);
  if (view != nullptr)
    for (const auto& row : kArtifacts)
      families.add("mendel_artifacts", "What lies finished in the data folder.", kGauge, label("kind", row.kind), number(count_files(sources.host.data, row.path)));
  if (const auto* wire = sources.wire ? sources.wire() : nullptr)
    for (const auto& row : kWire) families.add(row.name, row.help, kCounter, label(row.label, row.value), number((wire->*row.count).load()));
  collect_host(sources.host, families);
  std::erase_if(out, [](const auto& family) { return family.metric.empty(); });
  return out;
}

}  // namespace mendel::runtime
