// The specifications' targets of accuracy, beside what was measured: minimum, target and stretch.
#pragma once

#include <string>
#include <vector>

#include "actors/trainer/evaluation.hpp"

namespace mendel::trainer {

struct TargetResult {
  const char* name;  // "syntax exact"
  Share measured;
  double minimum, target, stretch;  // shares; 0: none is stated
  bool minimum_met() const { return minimum == 0 || (measured.n > 0 && measured.value() > minimum); }
};

// Exact: when an edit is forced, over all sources; detected: edited at 10 % false alarms.
std::vector<TargetResult> against_targets(const std::vector<SampleOutcome>& outcomes, const std::vector<AlarmLevel>& levels);

std::string target_table(const std::vector<TargetResult>& results);

}  // namespace mendel::trainer
