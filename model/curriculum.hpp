// The curriculum: stages one after the other, each with its own samples, batches, rates and gates.
//
// On the data's way: the trainer chooses samples by difficulty, class and type and hands them over as plans;
// training (training.hpp) walks through them. A gate is a promise about a measured number at some place of a
// stage; it is reported whether it is met or not, and never stops a run.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/expected.hpp"

namespace mendel::model {

// What a gate may measure. One of kMeasures, or exact_CLASS or detected_CLASS.
//   loss              mean of the last 20 training losses, nats a sample
//   validation_loss   the same of the validation samples, by the averaged weights
//   exact             share of validation bugs whose best edit is exactly the fix, when an edit is forced
//   exact_CLASS       the same of one class of bugs
//   detected_CLASS    share of its bugs that are edited at 10 % false alarms
//   forgotten         largest fall of exact_CLASS, over the classes, since the end of an earlier stage
//   overfit           validation_loss now less the lowest so far
//   ece               expected calibration error of the probability that the best edit is exactly the fix
inline constexpr std::string_view kMeasures[] = {"loss", "validation_loss", "exact", "forgotten", "overfit", "ece"};
inline constexpr std::string_view kClassMeasures[] = {"exact_", "detected_"};

struct Gate {
  enum class Place { step, samples, end };
  std::string text;  // as it was written
  Place place = Place::end;
  std::uint64_t at = 0;  // of the stage, as planned
  std::string measure;
  bool below = true;  // the number must be below the bound, else above
  double bound = 0;
};

// "step 50: loss < 5.0", "samples 75000: exact_logic > 0.4", "end: loss < 2.5". invalid: the message says
// what is wrong and what is allowed.
Expected<Gate> parse_gate(std::string_view text);

// A gate bound to a place of the stage as it is: a share of the stage, so that a smaller dataset is asked at
// the same points of its way, or a step where nothing is known of the plan.
struct PlacedGate {
  Gate gate;
  double share = 1;  // of the stage that is over; with step > 0 it does not count
  std::uint64_t step = 0;
};

struct GateResult {
  std::string stage, text;
  std::uint64_t step = 0;  // of the run, when it was measured; 0: never reached
  std::optional<double> measured;  // nothing: not measurable (no such bug among the validation samples), or never reached
  bool met = false;
};

struct StagePlan {
  std::string name = "demo";
  std::vector<std::uint64_t> samples;  // indices into the training set, ascending; empty: all
  std::uint32_t epochs = 0;  // 0: without end, the run's limits decide
  std::uint32_t batch_samples = 0;  // of one step, all accumulated batches together; 0: by cells
  double learning_rate = 0;  // peak; 0: the run's
  std::uint32_t warmup_steps = 150;
  std::uint32_t cycles = 1;
  double cycle_growth = 1;
  std::uint32_t ticks = 0, memory = 0;  // of a CTM; 0: the model's
  std::uint32_t checkpoint_steps = 0;
  std::vector<PlacedGate> gates;
};

// What is wrong with a curriculum beside a model of `ticks` and `memory` (0: no CTM), or nothing.
std::string curriculum_fault(const std::vector<StagePlan>& stages, std::uint32_t ticks, std::uint32_t memory, std::uint64_t set_size);

// Share of the peak rate after `share` of the stage, before its step `step`: linearly up over the warm-up
// (at most 10 % of the stage), then down along half a cosine to 3 % in each of the cycles, whose lengths grow
// by cycle_growth (warm restarts; Loshchilov and Hutter 2017).
double stage_rate_factor(const StagePlan& stage, std::uint64_t step, double share);

// A text that changes with everything of the stages that decides numbers; empty for none. Part of a run's identity.
std::string curriculum_identity(const std::vector<StagePlan>& stages);

}  // namespace mendel::model
