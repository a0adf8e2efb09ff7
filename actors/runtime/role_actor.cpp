// One row a role, one handler for all.
#include "actors/runtime/role_actor.hpp"

#include <algorithm>
#include <chrono>

#include "actors/cleaner/cleaning.hpp"
#include "actors/encoder/encoder_stage.hpp"
#include "actors/linter/linter_stage.hpp"
#include "actors/miner/history_changes.hpp"
#include "actors/miner/miner_stage.hpp"
#include "actors/miner/release_stage.hpp"
#include "actors/miner/stackoverflow/stackoverflow_stage.hpp"
#include "actors/mutator/mutator_stage.hpp"
#include "actors/runtime/redacted.hpp"
#include "actors/runtime/stages.hpp"
#include "actors/validator/validator_stage.hpp"

namespace mendel::runtime {
namespace {

// Stages that need nothing but the configuration.
template <class S>
Result<StageFunction> start_plain(const Config& config, const StageTools&) {
  auto started = S::start(config);
  if (!started) return started.error();
  return StageFunction([stage = std::shared_ptr<S>(std::move(*started))](const WorkItem& item) { return stage->run(item); });
}

Result<WorkResult> encode(const WorkItem& item, const Config& config, const Vocabularies& vocabularies) {
  auto stage = encoder::EncoderStage::start(config, vocabularies.get(item.encode().tokenizer()));
  return stage ? (*stage)->run(item) : stage.error();
}

Result<StageFunction> start_encoder(const Config& config, const StageTools& tools) {
  return StageFunction([config, known = tools.vocabularies](const WorkItem& item) { return encode(item, config, *known); });
}

// Histories are read here, because the linter knows no repository and the miner no linter.
Result<StageFunction> start_linter(const Config& config, const StageTools&) {
  auto started = linter::LinterStage::start(config);
  if (!started) return started.error();
  const auto history = std::make_shared<miner::HistoryReader>(config);
  return StageFunction([history, stage = std::shared_ptr<linter::LinterStage>(std::move(*started))](const WorkItem& item) -> Result<WorkResult> {
    if (!item.has_lint_history()) return stage->run(item);
    auto changes = history->read(item.lint_history());
    if (!changes) return changes.error();
    WorkItem read;
    read.set_id(item.id());
    read.set_stage(Stage::lint);
    *read.mutable_lint_changes() = *std::move(changes);
    return stage->run(read);
  });
}

Result<StageFunction> start_trainer(const Config& config, const StageTools& tools) {
  if (!tools.train) return Error{ErrorCode::unavailable, "this program cannot train; run `mendel-trainer node` for the role trainer"};
  return StageFunction([config, tools](const WorkItem& item) { return tools.train(item, config, tools.report, *tools.stop); });
}

struct RoleRow {
  Stage::Value stage;
  Result<StageFunction> (*start)(const Config&, const StageTools&);
};

constexpr RoleRow kRoles[] = {
    {Stage::mine_git, start_plain<miner::MinerStage>},
    {Stage::mine_github, start_plain<miner::MinerStage>},
    {Stage::mine_stackoverflow, start_plain<miner::StackoverflowStage>},
    {Stage::mine_release, start_plain<miner::ReleaseStage>},
    {Stage::mutate, start_plain<mutator::MutatorStage>},
    {Stage::lint, start_linter},
    {Stage::validate, start_plain<validator::ValidatorStage>},
    {Stage::encode, start_encoder},
    {Stage::train, start_trainer},
};

Result<WorkResult> run_item(role_state& state, Stage::Value stage, const Config& config, const StageTools& tools, const WorkItem& item) {
  if (!state.run) {
    auto started = start_stage(stage, config, tools);
    if (!started) return started.error();
    state.run = std::move(*started);
  }
  auto result = state.run(item);
  if (result && result->pairs_size() > 0) cleaner::clean_result(*result, config.clean());
  return result;
}

}  // namespace

Result<StageFunction> start_stage(Stage::Value stage, const Config& config, const StageTools& tools) {
  const auto* row = std::find_if(std::begin(kRoles), std::end(kRoles), [&](const auto& r) { return r.stage == stage; });
  if (row == std::end(kRoles)) return Error{ErrorCode::invalid_input, "no role runs this stage"};
  return row->start(config, tools);
}

WorkResult failed_result(const WorkItem& item, const Error& error) {
  WorkResult out;
  out.set_item_id(item.id());
  out.set_stage(item.stage());
  out.set_error(error.code == ErrorCode::interrupted ? kBrokenOff : error.what.empty() ? "failed without a reason" : redacted(error.what));
  return out;
}

role_actor::behavior_type run_role(role_actor::stateful_pointer<role_state> self, Stage::Value stage, std::shared_ptr<const Config> config,
                                   std::shared_ptr<const StageTools> tools) {
  self->state.name = stage_name(stage);
  return {
      [self, stage, config, tools](const WorkItemPtr& item) -> caf::result<WorkResultPtr, double> {
        const auto started = std::chrono::steady_clock::now();
        Result<WorkResult> result = Error{ErrorCode::io_error, {}};
        try {
          result = run_item(self->state, stage, *config, *tools, *item);
        } catch (const std::exception& thrown) {
          result = Error{ErrorCode::io_error, std::string(stage_name(stage)) + ": " + thrown.what()};
          self->state.run = nullptr;
        }
        auto answer = std::make_shared<WorkResult>(result ? std::move(*result) : failed_result(*item, result.error()));
        answer->set_stderr_tail(redacted(answer->stderr_tail()));
        answer->set_item_id(item->id());
        answer->set_stage(item->stage());
        return {WorkResultPtr(std::move(answer)), std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count()};
      },
      [self](quit_atom) { self->quit(); },
  };
}

}  // namespace mendel::runtime
