// A run's state, metrics and lock on disk; format in README.md.
#include "run_state.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <utility>

#include "json.hpp"

namespace mendel::model {
namespace {

constexpr const char* kIdentityPrefix = "run.";
constexpr const char* kGatePrefix = "gate.";
constexpr const char* kBeforePrefix = "exact_before.";
constexpr const char* kComputedOn = "computed_on";
constexpr const char* kLosses = "recent_losses";

// One that states did not always have keeps its default where it is missing.
struct NaturalCounter {
  const char* key;
  std::uint64_t& (*of)(RunCounters&);
  bool always = true;
};
constexpr NaturalCounter kNaturals[] = {
    {"epoch", [](RunCounters& c) -> std::uint64_t& { return c.position.epoch; }},
    {"batch", [](RunCounters& c) -> std::uint64_t& { return c.position.batch; }},
    {"window", [](RunCounters& c) -> std::uint64_t& { return c.position.window; }, false},
    {"steps", [](RunCounters& c) -> std::uint64_t& { return c.steps; }},
    {"samples_seen", [](RunCounters& c) -> std::uint64_t& { return c.samples_seen; }},
    {"skipped", [](RunCounters& c) -> std::uint64_t& { return c.skipped; }},
    {"skipped_in_a_row", [](RunCounters& c) -> std::uint64_t& { return c.skipped_in_a_row; }},
    {"evaluations", [](RunCounters& c) -> std::uint64_t& { return c.evaluations; }},
    {"last.step", [](RunCounters& c) -> std::uint64_t& { return c.last.step; }},
    {"last.samples_seen", [](RunCounters& c) -> std::uint64_t& { return c.last.samples_seen; }},
    {"stage", [](RunCounters& c) -> std::uint64_t& { return c.stage; }, false},
    {"stage_steps", [](RunCounters& c) -> std::uint64_t& { return c.stage_steps; }, false},
    {"cells_per_part", [](RunCounters& c) -> std::uint64_t& { return c.cells_per_part; }, false},
};
struct NumberCounter {
  const char* key;
  double& (*of)(RunCounters&);
  bool always = true;
};
constexpr NumberCounter kNumbers[] = {
    {"cpu_minutes", [](RunCounters& c) -> double& { return c.cpu_minutes; }},
    {"last.cpu_minutes", [](RunCounters& c) -> double& { return c.last.cpu_minutes; }},
    {"last.exact_always", [](RunCounters& c) -> double& { return c.last.exact_always; }},
    {"last.exact_at_5", [](RunCounters& c) -> double& { return c.last.exact_at_5; }},
    {"last.exact_at_10", [](RunCounters& c) -> double& { return c.last.exact_at_10; }},
    {"last.exact_at_20", [](RunCounters& c) -> double& { return c.last.exact_at_20; }},
    {"last.validation_loss", [](RunCounters& c) -> double& { return c.last.validation_loss; }, false},
    {"last.calibration_error", [](RunCounters& c) -> double& { return c.last.calibration_error; }, false},
    {"validation_loss_lowest", [](RunCounters& c) -> double& { return c.validation_loss_lowest; }, false},
};

Failure io(const std::string& file, const std::string& what) { return {Fault::io, file + ": cannot " + what + ": " + std::strerror(errno)}; }

// Gives a file a second name, whatever bore that name; nothing where there is no such file. A copy where the disk knows
// no second names.
Expected<bool> keep_as(const std::filesystem::path& path, const std::filesystem::path& name) {
  auto fresh = name;
  fresh += ".new";
  ::unlink(fresh.c_str());
  if (::link(path.c_str(), fresh.c_str()) != 0) {
    if (errno == ENOENT) return true;
    std::error_code error;
    if (!std::filesystem::copy_file(path, fresh, error)) return Failure{Fault::io, fresh.string() + ": cannot create: " + error.message()};
  }
  if (::rename(fresh.c_str(), name.c_str()) != 0) return io(name.string(), "replace");
  return true;
}

// STAGE\nTEXT\nSTEP\nMEASURED\nMET, the measured number empty where there is none.
std::string gate_text(const GateResult& g) {
  return g.stage + "\n" + g.text + "\n" + std::to_string(g.step) + "\n" + (g.measured ? json_number(*g.measured) : std::string()) + "\n" + (g.met ? "1" : "0");
}

std::optional<GateResult> gate_of(const std::string& text) {
  std::vector<std::string> parts(1);
  for (const char c : text)
    if (c == '\n') parts.emplace_back();
    else parts.back() += c;
  if (parts.size() != 5) return std::nullopt;
  GateResult out{parts[0], parts[1], std::strtoull(parts[2].c_str(), nullptr, 10), std::nullopt, parts[4] == "1"};
  if (!parts[3].empty()) out.measured = std::strtod(parts[3].c_str(), nullptr);
  return out;
}

}  // namespace

std::vector<std::pair<const char*, at::Tensor>> state_vectors(const Network& network, const OptimizerState& o) {
  return {{"weights", network.parameters().flat()}, {"average", o.average}, {"first", o.first}, {"second", o.second},
          {"z_start", network.trunk().z_start()},   {"y_start", network.trunk().y_start()}};
}

Metadata counters_metadata(const RunCounters& counters) {
  Metadata out;
  RunCounters copy = counters;
  for (const auto& c : kNaturals) out[c.key] = std::to_string(c.of(copy));
  for (const auto& c : kNumbers)
    if (std::isfinite(c.of(copy))) out[c.key] = json_number(c.of(copy));
  out["done"] = counters.done ? "1" : "0";
  if (!counters.computed_on.empty()) out[kComputedOn] = counters.computed_on;
  for (const auto& [name, share] : counters.exact_before) out[kBeforePrefix + name] = json_number(share);
  for (std::size_t i = 0; i < counters.gates.size(); ++i) {
    char key[32];
    std::snprintf(key, sizeof key, "%s%06zu", kGatePrefix, i);
    out[key] = gate_text(counters.gates[i]);
  }
  for (const double loss : counters.recent_losses) out[kLosses] += json_number(loss) + " ";
  return out;
}

Expected<RunCounters> counters_of(const Metadata& metadata, const std::string& file) {
  RunCounters out;
  for (const auto& c : kNaturals) {
    if (!c.always && !metadata.contains(c.key)) continue;
    const auto value = natural_of(metadata, c.key, file);
    if (!value) return value.failure();
    c.of(out) = *value;
  }
  for (const auto& c : kNumbers) {
    if (!c.always && !metadata.contains(c.key)) continue;
    const auto value = number_of(metadata, c.key, file);
    if (!value) return value.failure();
    c.of(out) = *value;
  }
  const auto done = natural_of(metadata, "done", file);
  if (!done) return done.failure();
  out.done = *done != 0;
  if (const auto at = metadata.find(kComputedOn); at != metadata.end()) out.computed_on = at->second;
  if (out.cells_per_part == 0) return Failure{Fault::corrupt, file + ": metadata field cells_per_part is 0; the file is damaged"};
  for (const auto& [key, value] : metadata) {
    if (key.starts_with(kBeforePrefix)) out.exact_before[key.substr(std::strlen(kBeforePrefix))] = std::strtod(value.c_str(), nullptr);
    if (!key.starts_with(kGatePrefix)) continue;
    auto gate = gate_of(value);
    if (!gate) return Failure{Fault::corrupt, file + ": metadata field " + key + " is no result of a gate; the file is damaged"};
    out.gates.push_back(std::move(*gate));
  }
  if (const auto losses = metadata.find(kLosses); losses != metadata.end()) {
    std::istringstream in(losses->second);
    for (double loss; in >> loss;) out.recent_losses.push_back(loss);
  }
  return out;
}

std::string metadata_text(const Metadata& metadata) {
  std::string out = "{";
  for (const auto& [key, value] : metadata) out += (out.size() > 1 ? "," : "") + json_string(key) + ":" + json_string(value);
  return out + "}";
}

Expected<Metadata> metadata_of(const std::string& text) {
  Metadata out;
  JsonReader in(text);
  in.expect('{');
  if (!in.take('}')) {
    do {
      const auto key = in.string();
      in.expect(':');
      out[key] = in.string();
    } while (!in.failed() && in.take(','));
    in.expect('}');
  }
  if (in.failed()) return Failure{Fault::corrupt, "what a partner sent is not readable: " + in.why()};
  return out;
}

std::string identity_difference(const Metadata& wanted, const Metadata& own) {
  const auto name = [](const std::string& key) { return key.substr(std::strlen(kIdentityPrefix)); };
  for (const auto& [key, value] : own) {
    const auto at = wanted.find(key);
    if (at == wanted.end() || at->second != value) return name(key) + " (" + (at == wanted.end() ? "none" : at->second) + ", now " + value + ")";
  }
  for (const auto& [key, value] : wanted)
    if (key.starts_with(kIdentityPrefix) && !own.contains(key)) return name(key) + " (" + value + ", now the usual one)";
  return {};
}

Metadata run_identity(const TrainInput& input) {
  const auto& o = input.options;
  Metadata out;
  for (const auto& [key, value] : settings_metadata(input.settings)) out[kIdentityPrefix + key] = value;
  for (const auto& [key, value] : input.facts) out[kIdentityPrefix + ("fact." + key)] = value;
  const auto natural = [&](const char* key, std::uint64_t value) { out[std::string(kIdentityPrefix) + "option." + key] = std::to_string(value); };
  const auto number = [&](const char* key, double value) { out[std::string(kIdentityPrefix) + "option." + key] = json_number(value); };
  natural("seed", o.seed);
  natural("cells_per_batch", o.cells_per_batch);
  natural("cells_max", o.cells_max);
  natural("warmup_steps", o.warmup_steps);
  natural("steps_max", o.steps_max);
  number("minutes", o.minutes);
  number("learning_rate", o.learning_rate);
  number("weight_decay", o.weight_decay);
  number("ema", o.ema);
  // As they were before there was a switch, unless it is used.
  if (o.clip != 1) number("clip", o.clip);
  if (o.sync_diversity > 0) number("sync_diversity", o.sync_diversity);
  if (o.adamw_only) natural("adamw_only", 1);
  if (o.beta2 != 0.98) number("beta2", o.beta2);
  if (o.replace_halted) number("halt_exploration", o.halt_exploration);
  if (!input.stages.empty()) out[std::string(kIdentityPrefix) + "stages"] = curriculum_identity(input.stages);
  // Which samples can meet in a batch.
  if (input.train->blocks().size() > 1) natural("blocks_held", input.train->blocks_held_max());
  out[std::string(kIdentityPrefix) + "samples"] = std::to_string(input.train->size());
  return out;
}

Expected<bool> write_state(const std::filesystem::path& path, const Network& network, const OptimizerState& optimizer,
                           const RunCounters& counters, const Metadata& identity) {
  Metadata metadata = identity;
  metadata["format"] = kStateFormat;
  metadata.merge(counters_metadata(counters));
  metadata["optimizer_step"] = std::to_string(optimizer.step);
  std::vector<TensorBytes> tensors;
  std::vector<at::Tensor> here;  // alive until they are written
  for (const auto& [name, t] : state_vectors(network, optimizer)) {
    here.push_back(t.cpu());
    tensors.push_back({name, "F32", t.sizes().vec(), here.back().data_ptr<float>()});
  }
  const auto carried = counters.carried.tensors();
  for (auto& own : carried.bytes()) tensors.push_back(std::move(own));
  if (auto kept = keep_as(path, RunPaths::before(path)); !kept) return kept;
  return write_tensors(path, tensors, metadata);
}

Expected<RunCounters> read_state(const std::filesystem::path& path, Network& network, OptimizerState& optimizer, const Metadata& identity) {
  auto file = TensorFile::open(path);
  if (!file) return file.failure();
  const auto& metadata = file->header().metadata;
  const auto format = metadata.find("format");
  if (format == metadata.end() || format->second != kStateFormat)
    return Failure{Fault::corrupt, file->name() + ": is no state of a run (metadata field format is not " + kStateFormat + ")"};
  // States once held the type of the products as part of the identity.
  auto known = metadata;
  known.erase(std::string(kIdentityPrefix) + "products");
  if (const auto other = identity_difference(known, identity); !other.empty())
    return Failure{Fault::invalid, path.parent_path().parent_path().string() + ": holds a run with another " + other + "; give the same or another run folder"};
  if (auto whole = file->verify(); !whole) return whole.failure();
  auto out = counters_of(metadata, file->name());
  if (!out) return out.failure();
  const auto step = natural_of(metadata, "optimizer_step", file->name());
  if (!step) return step.failure();
  optimizer.step = *step;
  for (const auto& [name, t] : state_vectors(network, optimizer)) {
    const auto* entry = file->find(name);
    if (!entry || entry->type != "F32" || entry->shape != t.sizes().vec())
      return Failure{Fault::corrupt, file->name() + ": tensor " + name + " is missing or has another dtype or shape"};
  }
  for (auto& [name, t] : state_vectors(network, optimizer))
    if (auto read = read_vector(*file, name, t); !read) return read.failure();
  network.refresh();
  auto carried = CarriedRows::read(*file, network.settings().width, network.parameters().device());
  if (!carried) return carried.failure();
  out->carried = std::move(*carried);
  return out;
}

Expected<MetricsLog> MetricsLog::open(const std::filesystem::path& path, std::uint64_t steps) {
  std::uint64_t keep = 0;
  {
    std::ifstream in(path, std::ios::binary);
    const std::string key = "\"step\":";
    for (std::string line; std::getline(in, line) && !in.eof();) {
      const auto at = line.find(key);
      if (at == std::string::npos || std::strtoull(line.c_str() + at + key.size(), nullptr, 10) > steps) break;
      keep += line.size() + 1;
    }
  }
  MetricsLog out;
  out.path_ = path.string();
  out.file_ = std::fopen(path.c_str(), "ab");
  if (!out.file_) return io(out.path_, "open");
  if (::ftruncate(::fileno(out.file_), static_cast<off_t>(keep)) != 0) return io(out.path_, "cut back");
  return out;
}

MetricsLog::~MetricsLog() {
  if (file_) std::fclose(file_);
}

MetricsLog::MetricsLog(MetricsLog&& other) noexcept : path_(std::move(other.path_)), file_(std::exchange(other.file_, nullptr)) {}

void MetricsLog::write(const StepReport& r) {
  std::string line = "{\"stage\":" + json_string(r.stage) + ",\"step\":" + std::to_string(r.step) + ",\"samples_seen\":" + std::to_string(r.samples_seen);
  const std::pair<const char*, double> numbers[] = {
      {"cpu_minutes", r.cpu_minutes}, {"loss", r.loss}, {"loss_start", r.loss_start}, {"loss_end", r.loss_end}, {"loss_tokens", r.loss_tokens}, {"loss_halt", r.loss_halt},
      {"learning_rate", r.learning_rate}, {"gradient_norm", r.gradient_norm}, {"samples_per_s", r.samples_per_s}};
  for (const auto& [key, value] : numbers) line += ",\"" + std::string(key) + "\":" + json_number(value);
  std::fprintf(file_, "%s}\n", line.c_str());
}

void MetricsLog::write(const CurvePoint& p) {
  std::string line = "{\"curve\":true,\"step\":" + std::to_string(p.step) + ",\"samples_seen\":" + std::to_string(p.samples_seen);
  for (const auto& [name, own] : p.classes) line += "," + json_string("exact_" + name) + ":" + json_number(own.exact) + "," + json_string("detected_" + name) + ":" + json_number(own.detected);
  const std::pair<const char*, double> numbers[] = {{"cpu_minutes", p.cpu_minutes}, {"exact_always", p.exact_always}, {"exact_at_5", p.exact_at_5},
                                                    {"exact_at_10", p.exact_at_10}, {"exact_at_20", p.exact_at_20},
                                                    {"validation_loss", p.validation_loss}, {"calibration_error", p.calibration_error}};
  for (const auto& [key, value] : numbers) line += ",\"" + std::string(key) + "\":" + json_number(value);
  std::fprintf(file_, "%s}\n", line.c_str());
}

void MetricsLog::write(const Look& l) {
  std::string line = "{\"curve\":true,\"step\":" + std::to_string(l.step);
  const std::pair<const char*, double> numbers[] = {{"certainty_mean", l.certainty_mean}, {"iterations_per_sample", l.iterations_per_sample},
                                                    {"iteration_efficiency", l.iteration_efficiency}, {"sync_variance", l.sync_variance},
                                                    {"sync_size", l.sync_size}, {"sync_alike", l.sync_alike},
                                                    {"nlm_activation_mean", l.nlm_activation_mean}, {"nlm_silent", l.nlm_silent}};
  const std::size_t count = l.synchronisation.empty() ? 3 : std::size(numbers);
  for (std::size_t i = 0; i < count; ++i) line += ",\"" + std::string(numbers[i].first) + "\":" + json_number(numbers[i].second);
  std::fprintf(file_, "%s}\n", line.c_str());
}

void MetricsLog::write(const GateResult& g) {
  const auto measured = g.measured ? json_number(*g.measured) : std::string("null");
  std::fprintf(file_, "{\"curve\":true,\"step\":%llu,\"gate\":%s,\"gate_stage\":%s,\"measured\":%s,\"met\":%s}\n", static_cast<unsigned long long>(g.step),
               json_string(g.text).c_str(), json_string(g.stage).c_str(), measured.c_str(), g.met ? "true" : "false");
}

Expected<bool> MetricsLog::flush() {
  if (std::fflush(file_) != 0 || std::ferror(file_)) return io(path_, "write");
  return true;
}

Expected<RunLock> RunLock::take(const std::filesystem::path& path) {
  RunLock out;
  out.file_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (out.file_ < 0) return io(path.string(), "open");
  if (::flock(out.file_, LOCK_EX | LOCK_NB) != 0)
    return Failure{Fault::invalid, path.parent_path().parent_path().string() + ": another process trains in this folder; wait for it or give another run folder"};
  return out;
}

RunLock::~RunLock() {
  if (file_ >= 0) ::close(file_);
}

RunLock::RunLock(RunLock&& other) noexcept : file_(std::exchange(other.file_, -1)) {}

}  // namespace mendel::model
