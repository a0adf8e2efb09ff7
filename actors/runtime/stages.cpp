// The table of stages.
#include "actors/runtime/stages.hpp"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/text_format.h>

#include <algorithm>
#include <array>

#include "actors/cleaner/cleaning.hpp"
#include "actors/encoder/encoder_stage.hpp"
#include "actors/linter/linter_stage.hpp"
#include "actors/miner/miner_stage.hpp"
#include "actors/miner/release_stage.hpp"
#include "actors/miner/stackoverflow/stackoverflow_stage.hpp"
#include "actors/mutator/mutator_stage.hpp"
#include "actors/validator/validator_stage.hpp"
#include "proto/ids.hpp"

namespace mendel::runtime {
namespace {

constexpr std::uint32_t kTrainVersion = 1;

constexpr StageRow kStages[] = {
    {Stage::mine_git, "mine", "miner"},         {Stage::mine_github, "mine_github", "miner"},
    {Stage::mine_stackoverflow, "mine_stackoverflow", "miner"},
    {Stage::mine_release, "mine_release", "miner"},
    {Stage::mutate, "mutate", "mutator"},       {Stage::lint, "lint", "linter"},
    {Stage::validate, "validate", "validator"}, {Stage::encode, "encode", "encoder"}, {Stage::train, "train", "trainer"},
};

// Where things lie and how long they may take decides no result.
constexpr std::string_view kNotOfMining[] = {"commits_per_item", "commits_max", "clones", "clone_timeout_ms", "clone_mib_max",
                                             "partial_clones", "releases", "releases_max", "index_timeout_ms"};

void add_section(ContentHash& hash, const google::protobuf::Message& section, std::span<const std::string_view> left_out) {
  hash.add(canonical_settings(section, left_out));
}

// Threads, memory, the device and times decide no number that a run promises. Keys that came later count where they differ from what was done before.
std::vector<std::string_view> not_of_training(const Train& train) {
  const auto& usual = Train::default_instance();
  std::vector<std::string_view> out = {"threads", "checkpoint_s", "memory_mib", "partner_timeout_s", "device"};
  if (train.optimizer() == usual.optimizer()) out.push_back("optimizer");
  if (train.beta2() == usual.beta2()) out.push_back("beta2");
  if (train.checkpoint_type() == usual.checkpoint_type()) out.push_back("checkpoint_type");
  if (train.replace_halted() == usual.replace_halted()) out.push_back("replace_halted");
  if (train.halt_exploration() == usual.halt_exploration()) out.push_back("halt_exploration");
  if (train.cache_mib() == usual.cache_mib()) out.push_back("cache_mib");
  if (train.evaluation_samples() == usual.evaluation_samples()) out.push_back("evaluation_samples");
  return out;
}

// Pairs are cleaned where they are made.
void add_cleaning(ContentHash& hash, const Config& config) {
  hash.add(cleaner::kVersion);
  add_section(hash, config.clean(), std::array<std::string_view, 2>{"decontaminate", "contamination_threshold"});
}

}  // namespace

std::span<const StageRow> stages() { return kStages; }

const char* stage_name(Stage::Value stage) {
  const auto* row = std::find_if(std::begin(kStages), std::end(kStages), [&](const auto& r) { return r.stage == stage; });
  return row == std::end(kStages) ? "none" : row->name;
}

Result<std::vector<Stage::Value>> stages_of(std::span<const std::string> roles) {
  std::vector<Stage::Value> out;
  std::string known;
  for (const auto& row : kStages) known += std::string(known.empty() ? "" : ", ") + row.role;
  for (const auto& role : roles) {
    const auto before = out.size();
    for (const auto& row : kStages)
      if (role == row.role) out.push_back(row.stage);
    if (out.size() == before) return Error{ErrorCode::invalid_input, "unknown role \"" + role + "\"; known: " + known};
  }
  if (out.empty()) return Error{ErrorCode::invalid_input, "no role given; known: " + known};
  return out;
}

std::string canonical_settings(const google::protobuf::Message& section, std::span<const std::string_view> left_out) {
  std::string out;
  const auto* type = section.GetDescriptor();
  const auto* reflection = section.GetReflection();
  for (int i = 0; i < type->field_count(); ++i) {
    const auto* field = type->field(i);
    if (std::find(left_out.begin(), left_out.end(), field->name()) != left_out.end()) continue;
    const int count = field->is_repeated() ? reflection->FieldSize(section, field) : 1;
    for (int k = 0; k < count; ++k) {
      std::string value;
      google::protobuf::TextFormat::PrintFieldValueToString(section, field, field->is_repeated() ? k : -1, &value);
      out += field->name() + "=" + value + "\n";
    }
  }
  return out;
}

std::uint32_t stage_version(Stage::Value stage, const Config& config) {
  ContentHash hash;
  switch (stage) {
    case Stage::mine_git:
    case Stage::mine_github:
      hash.add(miner::MinerStage::kVersion);
      add_section(hash, config.mine(), kNotOfMining);
      add_cleaning(hash, config);
      break;
    case Stage::mine_release:
      hash.add(miner::ReleaseStage::kVersion);
      add_section(hash, config.mine(), kNotOfMining);
      add_cleaning(hash, config);
      break;
    case Stage::mine_stackoverflow:
      hash.add(miner::StackoverflowStage::kVersion);
      add_section(hash, config.stackoverflow(), std::array<std::string_view, 3>{"memory_mib", "spill_gib_max", "scratch"});
      add_cleaning(hash, config);
      break;
    case Stage::mutate:
      hash.add(mutator::MutatorStage::kVersion).add(config.seed());
      add_section(hash, config.mutate(), {});
      add_cleaning(hash, config);
      break;
    case Stage::lint:
      hash.add(linter::LinterStage::kVersion);
      add_section(hash, config.lint(), std::array<std::string_view, 5>{"files_per_item", "ruff", "timeout_ms", "python", "history_commits"});
      add_cleaning(hash, config);
      break;
    case Stage::validate:
      hash.add(validator::ValidatorStage::kVersion);
      add_section(hash, config.validate(), std::array<std::string_view, 2>{"pairs_per_item", "near_duplicate_threshold"});
      if (config.sandbox().plant()) {
        hash.add(config.seed());
        add_section(hash, config.sandbox(), std::array<std::string_view, 2>{"program", "interpreter"});
      }
      break;
    case Stage::encode: hash.add(encoder::EncoderStage::kVersion); break;
    case Stage::train:
      hash.add(kTrainVersion).add(config.seed());
      add_section(hash, config.train(), not_of_training(config.train()));
      break;
    default: break;
  }
  const auto id = hash.finish<>();
  return static_cast<std::uint32_t>(id.bytes[0]) << 24 | static_cast<std::uint32_t>(id.bytes[1]) << 16 |
         static_cast<std::uint32_t>(id.bytes[2]) << 8 | id.bytes[3];
}

}  // namespace mendel::runtime
