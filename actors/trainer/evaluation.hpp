// How good a model is on a held-out split: one outcome a sample, always beside doing nothing.
//
// Terms. *Exact*: the repaired cells are those of the fixed side, all of them. *Always*: the best edit is
// taken whatever the model believes. *At 5 %*: it is taken where its margin is at most the threshold that
// was calibrated on clean validation functions for 5 % false alarms; elsewhere the text stays as it is.
// *Row*, *cell*: the best edit starts in the right row, at the right cell. *Identity*: no edit at all.
// *Repaired*: exact in the way of `mendel repair`: of five candidates the first that parses is taken, and
// code that does not parse is edited whatever the threshold, because it has a bug for certain.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "actors/syntax/python_checker.hpp"
#include "actors/trainer/dataset_samples.hpp"
#include "model/repair_model.hpp"
#include "proto/result.hpp"

namespace mendel::trainer {

// A share of false alarms and the largest margin at which to edit for it.
struct AlarmLevel {
  double share = 0;
  double margin = 0;
  std::string name() const;  // "at_5"
};

// How near the best edit came. Ordered from best to worst.
enum class Hit : std::uint8_t { exact, right_cell, right_row, elsewhere };

struct SampleOutcome {
  SampleLabels labels;
  bool has_bug = false;
  std::uint32_t cells = 0;
  double margin = 0;  // of the best edit; infinite if the model proposed none
  Hit hit = Hit::elsewhere;  // elsewhere in clean samples
  bool can_parse = false;  // the fixed side, as the model sees it, parses on its own; windows need not
  bool parses_before = false, parses_after = false;  // by CPython
  Hit checked_hit = Hit::elsewhere;  // of the first candidate that parses
  bool checked = false;  // there is one

  bool certain() const { return can_parse && !parses_before; }  // no sound code: a bug without asking the model
};

struct EvaluationInput {
  model::RepairModel& model;
  const DatasetSamples& samples;
  const encoder::Tokenizer& tokenizer;
  syntax::PythonChecker& checker;
  std::function<void(std::uint64_t done)> progress;
  std::function<bool()> stop;
};

// In the order of the samples; deterministic on one machine. interrupted once `stop` is true.
Result<std::vector<SampleOutcome>> evaluate(const EvaluationInput& input);

// A count of successes with its 95 % interval (Wilson 1927): sound for few samples and for 0 or all.
struct Share {
  std::uint64_t count = 0, n = 0;
  void add(bool success) { ++n, count += success ? 1 : 0; }
  double value() const { return n == 0 ? 0 : static_cast<double>(count) / static_cast<double>(n); }
  std::pair<double, double> interval() const;  // {0, 1} if n is 0
};

struct LevelMetrics {
  Share exact, edited, parses, repaired;
};

// Of the bugs of a group.
struct BugMetrics {
  std::uint64_t n = 0;
  Share identity_exact, identity_parses;
  Share exact, parses, row, cell, repaired;  // always
  std::vector<LevelMetrics> levels;  // as the levels given
};

BugMetrics bug_metrics(const std::vector<const SampleOutcome*>& bugs, const std::vector<AlarmLevel>& levels);

// Spearman's rank correlation of two series of equal length, equal values sharing their mean rank. Nothing if one of
// them is constant or shorter than two.
std::optional<double> rank_correlation(std::span<const double> a, std::span<const double> b);

}  // namespace mendel::trainer
