// What a run needs to go on after it was stopped at any moment, and its metrics.jsonl.
#pragma once

#include <deque>
#include <filesystem>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "model/carried_rows.hpp"
#include "model/checkpoint.hpp"
#include "model/gradient.hpp"
#include "model/loader.hpp"
#include "model/training.hpp"

namespace mendel::model {

// Counters beside the numbers of network and optimizer.
struct RunCounters {
  LoaderPosition position;
  std::uint64_t steps = 0, samples_seen = 0, skipped = 0, skipped_in_a_row = 0, evaluations = 0;
  std::uint64_t stage = 0, stage_steps = 0;  // of the curriculum: which, and steps in it
  std::uint64_t cells_per_part = kCellsPerPart;
  std::string computed_on;  // Compute::text; empty: not known
  std::string damaged;  // not kept: why the last state could not be read and these are of the one before
  double cpu_minutes = 0;
  double validation_loss_lowest = std::numeric_limits<double>::infinity();
  bool done = false;
  CurvePoint last;  // without the classes
  std::map<std::string, double> exact_before;  // best exact share of each class at the end of a stage
  std::deque<double> recent_losses;  // of the last steps of this stage
  std::vector<GateResult> gates;
  CarriedRows carried;  // tensors of the state, no metadata
};

// As metadata, and back. corrupt: a field is missing or no number.
Metadata counters_metadata(const RunCounters& counters);
Expected<RunCounters> counters_of(const Metadata& metadata, const std::string& file);
// As a JSON object of texts, and back.
std::string metadata_text(const Metadata& metadata);
Expected<Metadata> metadata_of(const std::string& text);
// The flat vectors that a state holds, by tensor name.
std::vector<std::pair<const char*, at::Tensor>> state_vectors(const Network& network, const OptimizerState& optimizer);
// The first difference between two identities, as "KEY (A, now B)"; empty: none.
std::string identity_difference(const Metadata& wanted, const Metadata& own);

// The files of a run folder.
struct RunPaths {
  explicit RunPaths(const std::filesystem::path& run)
      : checkpoint(run / "checkpoint.safetensors"), best(run / "best.safetensors"), kept(run / "checkpoints"), state(run / "state" / "state.safetensors"), metrics(run / "metrics.jsonl"), lock(run / "state" / "lock") {}
  // The state that was the last one before the one at `state`.
  static std::filesystem::path before(const std::filesystem::path& state) { return state.parent_path() / "before.safetensors"; }
  std::filesystem::path checkpoint, best, kept, state, metrics, lock;
};

// Identity of a run: a resume must bring the same (settings, options that decide the numbers, facts).
Metadata run_identity(const TrainInput& input);

// The state that was there before is kept beside it.
Expected<bool> write_state(const std::filesystem::path& path, const Network& network, const OptimizerState& optimizer,
                           const RunCounters& counters, const Metadata& identity);

// Fills network and optimizer. not_found: there is no state yet; invalid: a run of another identity.
Expected<RunCounters> read_state(const std::filesystem::path& path, Network& network, OptimizerState& optimizer, const Metadata& identity);

// metrics.jsonl: one object a line, in order. Lines go through the page cache: after a crash the last ones
// may be missing or torn, and a resume cuts the file back to the state's step.
class MetricsLog {
 public:
  // Keeps the lines of at most `steps` steps (and whole ones only).
  static Expected<MetricsLog> open(const std::filesystem::path& path, std::uint64_t steps);
  ~MetricsLog();
  MetricsLog(MetricsLog&& other) noexcept;
  MetricsLog& operator=(MetricsLog&&) = delete;

  void write(const StepReport& report);
  void write(const CurvePoint& point);
  void write(const Look& look);
  void write(const GateResult& gate);
  // io if a line could not be written (a full disk).
  Expected<bool> flush();

 private:
  MetricsLog() = default;
  std::string path_;
  std::FILE* file_ = nullptr;
};

// One process at a time trains in a folder. Released when the lock is destroyed or the process ends.
class RunLock {
 public:
  static Expected<RunLock> take(const std::filesystem::path& path);
  ~RunLock();
  RunLock(RunLock&& other) noexcept;
  RunLock& operator=(RunLock&&) = delete;

 private:
  RunLock() = default;
  int file_ = -1;
};

}  // namespace mendel::model
