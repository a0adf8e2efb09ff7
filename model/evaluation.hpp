// What training measures on the validation set: a point of the learning curve, and the thresholds that
// decide between an edit and NO_BUG, calibrated on clean functions that were never trained on.
#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "model/expected.hpp"
#include "model/inference.hpp"
#include "model/training.hpp"

namespace mendel::model {

inline constexpr double kFalseAlarmShares[] = {0.01, 0.02, 0.05, 0.1, 0.2};

struct Evaluation {
  CurvePoint point;  // all but step, samples_seen and cpu_minutes
  Thresholds thresholds;
};

// Expected calibration error: mean distance between what was believed and what was so, over ten equal bins of
// belief, weighted by their numbers.
double calibration_error(std::span<const std::pair<double, bool>> believed);

// A fixed subset of a validation set, chosen by hash and held in memory: at most `bugs_max` bugs and
// `clean_max` clean functions, none longer than `cells_max`.
class ValidationSubset {
 public:
  struct Limits {
    std::uint32_t cells_max, bugs_max, clean_max;
  };
  // `classes`: of each sample of the set, or empty. invalid: no clean function among the samples, or one that
  // the model cannot be fed.
  static Expected<ValidationSubset> choose(const SampleSet& set, const std::vector<std::string>& classes, const Limits& limits, std::uint32_t vocabulary,
                                           std::uint64_t seed);

  Evaluation evaluate(const Network& network, Workers& workers) const;
  // Bugs that a picture shows and functions whose thought is looked at: the first of the subset.
  std::span<const Sample> first(std::size_t count) const { return std::span(samples_).first(std::min(count, samples_.size())); }
  std::size_t size() const { return samples_.size(); }

 private:
  double mean_loss(const Network& network, Workers& workers) const;

  std::vector<Sample> samples_;
  std::vector<std::string> classes_;  // of samples_; empty: not known
};

}  // namespace mendel::model
