// DATA/logs/evaluation: benchmark.log has one line an evaluation that ended, with its arguments and status;
// analysis.log one line a type of bug of each evaluation, with where the best edits fell.
#pragma once

#include <array>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "actors/cli/context.hpp"
#include "actors/runtime/plant_log.hpp"
#include "actors/trainer/evaluation.hpp"

namespace mendel::cli {

// Logs how a command ended and answers `status` as it is.
inline int logged(const Context& context, runtime::LogFile file, int status) {
  std::string arguments;
  for (const auto& word : context.arguments) arguments += (arguments.empty() ? "" : " ") + word;
  runtime::PlantLog(context.data / "logs", context.config)
      .write(file, status == kDone ? runtime::LogLevel::info : runtime::LogLevel::warning, {{"command", arguments}, {"status", std::to_string(status)}});
  return status;
}

// Bugs by class and type: how many, and how many of the best edits are exact, at the right cell, in the right row,
// elsewhere. In ascending order of class and type.
inline void log_errors(const Context& context, const std::string& checkpoint, const std::vector<trainer::SampleOutcome>& outcomes) {
  std::map<std::pair<std::string, std::string>, std::array<std::uint64_t, 4>> hits;
  for (const auto& outcome : outcomes)
    if (outcome.has_bug) ++hits[{outcome.labels.bug_class, outcome.labels.bug_type}][static_cast<std::size_t>(outcome.hit)];
  runtime::PlantLog log(context.data / "logs", context.config);
  for (const auto& [type, counts] : hits)
    log.write(runtime::LogFile::analysis, runtime::LogLevel::info,
              {{"checkpoint", checkpoint}, {"class", type.first}, {"type", type.second}, {"bugs", std::to_string(counts[0] + counts[1] + counts[2] + counts[3])},
               {"exact", std::to_string(counts[0])}, {"right_cell", std::to_string(counts[1])}, {"right_row", std::to_string(counts[2])}, {"elsewhere", std::to_string(counts[3])}});
}

}  // namespace mendel::cli
