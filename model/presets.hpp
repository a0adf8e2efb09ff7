// The models by name: what the specifications call trm-coderepair-7m and ctm-coderepair-15m, and the two
// that learn on a CPU in minutes.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/repair_model.hpp"

namespace mendel::model {

struct Preset {
  const char* name;
  const char* about;
  ModelSettings settings;  // vocabulary: the one that the parameters are counted with
};

const std::vector<Preset>& presets();
// Nothing if there is no model of that name.
const Preset* find_preset(std::string_view name);

// Trainable numbers by part, in the order of the data's way; the sum is RepairModel::parameters().
// `settings` must be without fault.
std::vector<std::pair<std::string, std::uint64_t>> parameters_by_part(const ModelSettings& settings);

// Nothing if a network of these settings can be built, else which one is wrong and what is allowed. Looks
// at numbers only: no memory is taken.
std::string settings_fault(const ModelSettings& settings);

}  // namespace mendel::model
