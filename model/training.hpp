// Training of a repair model: from samples to a checkpoint, resumable at any moment.
//
// A run is a folder: checkpoint.safetensors (the best to use: averaged weights, thresholds),
// state/ (weights, optimizer, random state, loader position: what a resume needs), metrics.jsonl (one
// object a step). kill -9 at any moment leaves a run that goes on from its last state with the same
// CPU loss trace.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>

#include "model/expected.hpp"
#include "model/repair_model.hpp"
#include "model/sample.hpp"

namespace mendel::model {

// Settings that do not change the model's shape; meanings and defaults as section [train] of the
// configuration (proto/config.proto).
struct TrainOptions {
  std::uint64_t seed = 7;
  double minutes = 15;  // CPU minutes summed over threads, resumes included
  std::uint32_t steps_max = 0;  // 0: no limit
  std::uint32_t threads = 0;  // 0: all cores
  std::uint32_t cells_per_batch = 2500;
  std::uint32_t cells_max = 400;  // longer samples are passed over
  double learning_rate = 2e-3;
  std::uint32_t warmup_steps = 150;  // at most 10 % of the run
  double weight_decay = 0.02;
  double ema = 0.998;
  std::uint32_t checkpoint_s = 60;
  std::uint32_t evaluations = 6;
  double clip = 1;  // largest norm of a gradient
  double sync_diversity = 0;  // Network::set_sync_diversity
  bool recompute = false;  // Network::set_recompute; changes memory and time, no number
};

struct StepReport {
  std::string stage;  // "demo"; the curriculum's stages later
  std::uint64_t step = 0, samples_seen = 0;
  double cpu_minutes = 0;  // spent so far
  double loss = 0, loss_start = 0, loss_end = 0, loss_tokens = 0, loss_halt = 0;  // nats a sample
  double learning_rate = 0, gradient_norm = 0;
  double samples_per_s = 0;  // wall clock, over the last steps
};

// A point of the learning curve, on the held-out validation set with the averaged weights.
struct CurvePoint {
  std::uint64_t step = 0, samples_seen = 0;
  double cpu_minutes = 0;
  double exact_always = 0;  // share of bugs whose best edit is exactly the fix
  double exact_at_5 = 0, exact_at_10 = 0, exact_at_20 = 0;  // at that percentage of false alarms on clean functions
};

struct TrainInput {
  ModelSettings settings;
  TrainOptions options;
  const SampleSet* train = nullptr;
  const SampleSet* validation = nullptr;  // clean ones set the thresholds, bugs draw the curve; never trained on
  std::filesystem::path run;
  std::map<std::string, std::string> facts;  // into the checkpoint; a resume must bring the same
  std::function<void(const StepReport&)> on_step;
  std::function<void(const CurvePoint&)> on_curve;
  std::function<bool()> stop;  // asked every step; true: write the state and answer `interrupted`
};

struct TrainSummary {
  std::filesystem::path checkpoint;
  std::uint64_t steps = 0, samples_seen = 0;
  double cpu_minutes = 0;
  CurvePoint last;
  bool resumed = false, already_done = false;
};

// Blocks. Goes on where an earlier call in the same folder stopped; a finished run answers at once.
// invalid: settings that cannot be (heads that do not divide width, no samples, no clean validation
// samples), or a folder that holds a run of other settings or facts.
Expected<TrainSummary> train(const TrainInput& input);

}  // namespace mendel::model
