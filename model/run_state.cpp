// A run's state, metrics and lock on disk; format in README.md.
#include "run_state.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <utility>

#include "json.hpp"

namespace mendel::model {
namespace {

constexpr const char* kIdentityPrefix = "run.";

struct NaturalCounter {
  const char* key;
  std::uint64_t& (*of)(RunCounters&);
};
constexpr NaturalCounter kNaturals[] = {
    {"epoch", [](RunCounters& c) -> std::uint64_t& { return c.position.epoch; }},
    {"batch", [](RunCounters& c) -> std::uint64_t& { return c.position.batch; }},
    {"steps", [](RunCounters& c) -> std::uint64_t& { return c.steps; }},
    {"samples_seen", [](RunCounters& c) -> std::uint64_t& { return c.samples_seen; }},
    {"skipped", [](RunCounters& c) -> std::uint64_t& { return c.skipped; }},
    {"skipped_in_a_row", [](RunCounters& c) -> std::uint64_t& { return c.skipped_in_a_row; }},
    {"evaluations", [](RunCounters& c) -> std::uint64_t& { return c.evaluations; }},
    {"last.step", [](RunCounters& c) -> std::uint64_t& { return c.last.step; }},
    {"last.samples_seen", [](RunCounters& c) -> std::uint64_t& { return c.last.samples_seen; }},
};
struct NumberCounter {
  const char* key;
  double& (*of)(RunCounters&);
};
constexpr NumberCounter kNumbers[] = {
    {"cpu_minutes", [](RunCounters& c) -> double& { return c.cpu_minutes; }},
    {"last.cpu_minutes", [](RunCounters& c) -> double& { return c.last.cpu_minutes; }},
    {"last.exact_always", [](RunCounters& c) -> double& { return c.last.exact_always; }},
    {"last.exact_at_5", [](RunCounters& c) -> double& { return c.last.exact_at_5; }},
    {"last.exact_at_10", [](RunCounters& c) -> double& { return c.last.exact_at_10; }},
    {"last.exact_at_20", [](RunCounters& c) -> double& { return c.last.exact_at_20; }},
};

Failure io(const std::string& file, const std::string& what) { return {Fault::io, file + ": cannot " + what + ": " + std::strerror(errno)}; }

// The flat vectors of a state, by tensor name.
std::vector<std::pair<const char*, at::Tensor>> vectors(const Network& network, const OptimizerState& o) {
  return {{"weights", network.parameters().flat()}, {"average", o.average}, {"first", o.first}, {"second", o.second},
          {"z_start", network.trunk().z_start()},   {"y_start", network.trunk().y_start()}};
}

}  // namespace

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
  out[std::string(kIdentityPrefix) + "samples"] = std::to_string(input.train->size());
  out[std::string(kIdentityPrefix) + "products"] = at::toString(product_type());
  return out;
}

Expected<bool> write_state(const std::filesystem::path& path, const Network& network, const OptimizerState& optimizer,
                           const RunCounters& counters, const Metadata& identity) {
  Metadata metadata = identity;
  metadata["format"] = kStateFormat;
  RunCounters copy = counters;
  for (const auto& c : kNaturals) metadata[c.key] = std::to_string(c.of(copy));
  for (const auto& c : kNumbers) metadata[c.key] = json_number(c.of(copy));
  metadata["done"] = counters.done ? "1" : "0";
  metadata["optimizer_step"] = std::to_string(optimizer.step);
  std::vector<TensorBytes> tensors;
  for (const auto& [name, t] : vectors(network, optimizer)) tensors.push_back({name, "F32", t.sizes().vec(), t.data_ptr<float>()});
  return write_tensors(path, tensors, metadata);
}

Expected<RunCounters> read_state(const std::filesystem::path& path, Network& network, OptimizerState& optimizer, const Metadata& identity) {
  auto file = TensorFile::open(path);
  if (!file) return file.failure();
  const auto& metadata = file->header().metadata;
  const auto format = metadata.find("format");
  if (format == metadata.end() || format->second != kStateFormat)
    return Failure{Fault::corrupt, file->name() + ": is no state of a run (metadata field format is not " + kStateFormat + ")"};
  for (const auto& [key, value] : identity) {
    const auto at = metadata.find(key);
    if (at == metadata.end() || at->second != value)
      return Failure{Fault::invalid, path.parent_path().parent_path().string() + ": holds a run with another " + key.substr(std::strlen(kIdentityPrefix)) +
                                         " (" + (at == metadata.end() ? "none" : at->second) + ", now " + value + "); give the same or another run folder"};
  }
  for (const auto& [key, value] : metadata)
    if (key.starts_with(kIdentityPrefix) && !identity.contains(key))
      return Failure{Fault::invalid, path.parent_path().parent_path().string() + ": holds a run with another " + key.substr(std::strlen(kIdentityPrefix)) +
                                         " (" + value + ", now the usual one); give the same or another run folder"};
  RunCounters out;
  for (const auto& c : kNaturals) {
    const auto value = natural_of(metadata, c.key, file->name());
    if (!value) return value.failure();
    c.of(out) = *value;
  }
  for (const auto& c : kNumbers) {
    const auto value = number_of(metadata, c.key, file->name());
    if (!value) return value.failure();
    c.of(out) = *value;
  }
  const auto done = natural_of(metadata, "done", file->name()), step = natural_of(metadata, "optimizer_step", file->name());
  if (!done) return done.failure();
  if (!step) return step.failure();
  out.done = *done != 0;
  optimizer.step = *step;
  for (const auto& [name, t] : vectors(network, optimizer)) {
    const auto* entry = file->find(name);
    if (!entry || entry->type != "F32" || entry->shape != t.sizes().vec())
      return Failure{Fault::corrupt, file->name() + ": tensor " + name + " is missing or has another dtype or shape"};
  }
  for (const auto& [name, t] : vectors(network, optimizer))
    if (auto read = file->read(*file->find(name), t.data_ptr<float>()); !read) return read.failure();
  network.refresh();
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
  const std::pair<const char*, double> numbers[] = {{"cpu_minutes", p.cpu_minutes}, {"exact_always", p.exact_always}, {"exact_at_5", p.exact_at_5},
                                                    {"exact_at_10", p.exact_at_10}, {"exact_at_20", p.exact_at_20}};
  for (const auto& [key, value] : numbers) line += ",\"" + std::string(key) + "\":" + json_number(value);
  std::fprintf(file_, "%s}\n", line.c_str());
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
