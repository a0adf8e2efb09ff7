// Does thinking pay? The same samples again with fewer and more steps or ticks, and, for a CTM, with the
// synchronisation of another function and with none: if that repairs as much, the machine carried nothing.
//
// On the data's way: beside evaluation.hpp, in `mendel eval`, for models that think in steps.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "actors/trainer/evaluation.hpp"

namespace mendel::trainer {

struct ThinkingRow {
  std::string name;  // "own", "another", "none": whose synchronisation; "steps_4": exactly four steps
  Share exact;  // of the bugs, when an edit is forced
  std::vector<Share> exact_at;  // of the bugs, at these shares of edited clean functions; thresholds of this row's own
  double steps_mean = 0;  // that the model took
};

inline constexpr double kThinkingAlarms[] = {0.05, 0.1, 0.2};

// True for models with more than one step or tick.
bool thinks(const model::ModelSettings& settings);

// `another` takes the synchronisation of the neighbour in length, so length survives the exchange.
// Thresholds come from the clean samples of the set itself, for every row alike, so that rows are compared
// at equal false alarms. interrupted once `stop` is true.
Result<std::vector<ThinkingRow>> evaluate_thinking(model::RepairModel& model, const model::SampleSet& samples, const std::function<bool()>& stop);

// For thinking.json, and as a table for people.
std::string thinking_json(const std::vector<ThinkingRow>& rows);
std::string thinking_table(const std::vector<ThinkingRow>& rows);

}  // namespace mendel::trainer
