// The curriculum as the configuration has it (train.stages), bound to a dataset: which samples each stage
// takes and where its gates stand.
//
// On the data's way: between the loaded training split and training (model/curriculum.hpp).
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "actors/trainer/dataset_samples.hpp"
#include "model/curriculum.hpp"
#include "proto/config.pb.h"
#include "proto/result.hpp"

namespace mendel::trainer {

// One plan a row of train.stages, named stage_1, stage_2 and so on. A stage takes the bugs of its difficulty,
// kinds and sources, at most so many as it asks for, chosen by a hash of seed and index (so that a later stage with
// wider bounds takes the earlier ones again); clean samples keep their share of the split. Gates stand where
// they would in a stage of the full size: a smaller dataset is asked at the same points of its way.
// invalid_input names stage and key: no bug fits, a gate that cannot be read or lies beyond the stage,
// accumulation without batch. `note` gets a line for a stage that finds fewer samples than it asks for.
Result<std::vector<model::StagePlan>> plan_stages(const Config& config, const SampleKinds& train, const std::function<void(std::string_view)>& note);

// "syntax", or "stage 3" where the row has no name.
std::string stage_title(const Train& train, std::size_t stage);

// "0.7512", or "not measurable".
std::string measured_text(const model::GateResult& gate);

// Gates and what was measured, for people: one line each. Empty for none.
std::string gate_table(const Train& train, const std::vector<model::GateResult>& gates);
// The same as JSON, the content of RUN/gates.json.
std::string gates_json(const Train& train, const std::vector<model::GateResult>& gates);

bool all_met(const std::vector<model::GateResult>& gates);

}  // namespace mendel::trainer
