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
#include <vector>

#include "model/curriculum.hpp"
#include "model/devices.hpp"
#include "model/expected.hpp"
#include "model/repair_model.hpp"
#include "model/sample.hpp"

namespace mendel::model {

// Settings that do not change the model's shape; meanings and defaults as section [train] of the
// configuration (proto/config.proto).
struct TrainOptions {
  std::uint64_t seed = 7;
  double minutes = 15;  // CPU minutes summed over threads, resumes included; on another device minutes of its steps
  std::uint32_t steps_max = 0;  // 0: no limit
  std::uint32_t threads = 0;  // of the CPU's kernels; 0: all cores
  std::string device = kAnyDevice;  // devices.hpp; a run may go on on another, with losses that differ in their last digits
  std::uint32_t cells_per_batch = 2500;
  std::uint32_t cells_max = 400;  // longer samples are passed over
  double learning_rate = 2e-3;
  std::uint32_t warmup_steps = 150;  // at most 10 % of the run
  double weight_decay = 0.02;
  double ema = 0.998;
  std::uint32_t checkpoint_s = 60;
  CheckpointType checkpoint_type = CheckpointType::f32;  // evaluations are of the weights as checkpoints have them; the state of the run stays float
  std::uint32_t evaluations = 6;
  double clip = 1;  // largest norm of a gradient
  double sync_diversity = 0;  // Network::set_sync_diversity
  bool recompute = false;  // Network::set_recompute; changes memory and time, no number
  bool adamw_only = false;  // AdamW for the matrices too
  double beta2 = 0.98;  // of AdamW
  bool replace_halted = false;  // one supervision step a step; rows are carried and replaced as they halt (carried_rows.hpp)
  double halt_exploration = 0.1;  // Halting::exploration
  std::uint32_t evaluation_samples = 400;  // bugs, and as many clean functions
  std::uint64_t memory_bytes = 0;  // of the device that a step may take; 0: four fifths of what is free. By kernels it changes no number unless one micro-batch is too much
};

// This process among several that train together (as torchrun tells each: RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT).
struct Group {
  std::uint32_t rank = 0, size = 1;
  std::string address;
  std::uint16_t port = 0;
  std::uint32_t timeout_s = 1800;
  bool has_store = false;  // torchrun itself listens at address:port
  std::string attempt = "0";  // of a launcher that starts all anew
  std::string interface;  // of the network; empty: by address
  std::uint32_t local_rank = 0;  // which GPU of its machine
};

struct StepReport {
  std::string stage;  // "demo" without a curriculum
  std::uint64_t step = 0, samples_seen = 0;
  double cpu_minutes = 0;  // spent so far, as TrainOptions::minutes counts them
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
  double validation_loss = 0;  // nats a sample
  double calibration_error = 0;  // of the probability that the best edit is exactly the fix
  struct Class {
    std::uint64_t bugs = 0;
    double exact = 0, detected = 0;  // shares, when forced and at 10 % false alarms
  };
  std::map<std::string, Class> classes;  // of the validation bugs, where the caller named them
};

// What a model thinks of a few held-out functions, for people to look at.
struct Look {
  std::uint64_t step = 0;
  std::vector<double> certainty;  // 1 - normalised entropy of where the edit starts, one a function
  std::vector<double> synchronisation;  // of a CTM: S of the output, all functions after each other
  // Of a CTM, else 0. Alike: mean squared cosine between the S of different functions (1: collapsed to a constant).
  // Silent: share of neurons that stay below 0.01 in size for every function.
  double certainty_mean = 0, sync_variance = 0, sync_size = 0, sync_alike = 0, nlm_activation_mean = 0, nlm_silent = 0;
  double iterations_per_sample = 0, iteration_efficiency = 0;  // steps taken; exact repairs gained by each after the first
  struct Example {
    Sample sample;
    Proposal best;
  };
  std::vector<Example> examples;
};

struct TrainInput {
  ModelSettings settings;
  TrainOptions options;
  const SampleSource* train = nullptr;
  const SampleSet* validation = nullptr;  // clean ones set the thresholds, bugs draw the curve; never trained on
  std::vector<std::string> validation_classes;  // of each validation sample; empty: not known
  std::vector<StagePlan> stages;  // the curriculum; empty: one stage over everything, ended by minutes or steps
  Group group;
  std::filesystem::path run;
  std::map<std::string, std::string> facts;  // into the checkpoint; a resume must bring the same
  std::function<void(const StepReport&)> on_step;
  std::function<void(const CurvePoint&)> on_curve;
  std::function<void(const Look&)> on_look;  // after on_curve
  std::function<void(const GateResult&)> on_gate;
  std::function<void(const std::string&)> note;  // a line for people
  std::function<bool()> stop;  // asked every step; true: write the state and answer `interrupted`
};

struct TrainSummary {
  std::filesystem::path checkpoint;
  std::uint64_t steps = 0, samples_seen = 0;
  double cpu_minutes = 0;
  CurvePoint last;
  bool resumed = false, already_done = false;
  std::vector<GateResult> gates;  // of the curriculum, all of them
};

// Blocks. Goes on where an earlier call in the same folder stopped; a finished run answers at once.
// invalid: settings that cannot be (heads that do not divide width, no samples, no clean validation
// samples), or a folder that holds a run of other settings or facts. Of several processes the one of rank 0
// reads and writes the run; all answer the same.
Expected<TrainSummary> train(const TrainInput& input);

}  // namespace mendel::model
