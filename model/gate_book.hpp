// Which gates of a curriculum are due, and what was measured at them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "model/training.hpp"

namespace mendel::model {

// What gates may look at, beside the last evaluation.
struct GateView {
  double loss_mean = 0;  // over the last steps
  double validation_loss_lowest = 0;
  const CurvePoint* point = nullptr;  // of this very step; nullptr: only gates on the training loss can be measured
  const std::map<std::string, double>* exact_before = nullptr;  // best exact share of each class at the end of an earlier stage
};

// The number that a measure of curriculum.hpp stands for; nothing if it cannot be had.
std::optional<double> measured(const std::string& measure, const GateView& view);

// True if the measure needs an evaluation.
bool needs_evaluation(const PlacedGate& gate);

// Walks through the gates of one stage. Results are kept by the caller (they are part of a run's state).
class GateBook {
 public:
  // `results`: of all stages so far; gates of this stage that are among them are not asked again.
  GateBook(const StagePlan& stage, std::vector<GateResult>& results) : stage_(stage), results_(results) {}

  // Gates to be measured now, after `share` of the stage and its step `stage_step`; at the end all that are left.
  std::vector<const PlacedGate*> due(double share, std::uint64_t stage_step, bool end) const;
  // Measures one and adds the result.
  const GateResult& measure(const PlacedGate& gate, std::uint64_t run_step, const GateView& view);

 private:
  const StagePlan& stage_;
  std::vector<GateResult>& results_;
};

// Results for all gates of the curriculum in its order; those never reached are missed.
std::vector<GateResult> all_gates(const std::vector<StagePlan>& stages, const std::vector<GateResult>& results);

}  // namespace mendel::model
