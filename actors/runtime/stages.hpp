// The stages of the plant in the order of the data's way: name, role that runs it, and what its results
// depend on. One row a stage.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "proto/config.pb.h"
#include "proto/result.hpp"
#include "proto/work.pb.h"

namespace mendel::runtime {

struct StageRow {
  Stage::Value stage;
  const char* name;  // of metrics, status and messages
  const char* role;  // of `--roles`
};

std::span<const StageRow> stages();
const char* stage_name(Stage::Value stage);

// The stages of a list of roles. invalid_input names the wrong role and the known ones.
Result<std::vector<Stage::Value>> stages_of(std::span<const std::string> roles);

// Part of the work id: hash of the stage's own version and of every setting that decides its results
// (not paths of tools, timeouts or sizes of batches), so that changed settings make new work.
std::uint32_t stage_version(Stage::Value stage, const Config& config);

// What the configuration must agree on for the same input to give the same result, as text.
std::string canonical_settings(const google::protobuf::Message& section, std::span<const std::string_view> left_out);

}  // namespace mendel::runtime
