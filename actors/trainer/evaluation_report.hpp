// What `mendel eval` leaves: benchmark_report.json, per_bug_type_metrics.csv, confusion_matrices/, and
// the table on the terminal. The same outcomes give the same bytes.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "actors/trainer/evaluation.hpp"

namespace mendel::trainer {

// Facts of the run, for the head of the report.
struct EvaluationFacts {
  std::string checkpoint, model, dataset, dataset_digest, trained_on_digest, split;
  std::uint64_t parameters = 0;
  std::uint32_t cells_max_trained = 0;  // groups by length split here
  PassedOver passed_over;
};

// Groups by source ("all", "mutation", "mined", "release", "linter"), in each by class, type and length; every
// share as {"count", "n", "share", "low", "high"}.
std::string benchmark_report(const EvaluationFacts& facts, const std::vector<SampleOutcome>& outcomes, const std::vector<AlarmLevel>& levels);

// One row a source, class and type; shares in 0..1.
std::string per_bug_type_csv(const std::vector<SampleOutcome>& outcomes, const std::vector<AlarmLevel>& levels);

// Bug type (and no_bug) against what came of it: exact, right_cell, right_row, elsewhere, no_edit.
// `margin`: the edit is taken up to it.
std::string confusion_csv(const std::vector<SampleOutcome>& outcomes, double margin);

// Shares in percent with their intervals, sources apart.
std::string evaluation_table(const std::vector<SampleOutcome>& outcomes, const std::vector<AlarmLevel>& levels);

// How every report writes a share: {"count", "n", "share", "low", "high"}.
nlohmann::ordered_json json_of(const Share& share);

// Replaces the file. io_error names it.
Outcome write_text(const std::filesystem::path& path, const std::string& content);

// Writes all three into `folder`, which it makes.
Outcome write_report(const std::filesystem::path& folder, const EvaluationFacts& facts, const std::vector<SampleOutcome>& outcomes,
                     const std::vector<AlarmLevel>& levels);

}  // namespace mendel::trainer
