// One item: a glance at every pair, one batch of texts for CPython, then the stages pair by pair. Texts
// that occur several times in an item (all mutants of one function share their fixed side) are judged once.
#include "actors/validator/validator_stage.hpp"

#include <mutex>
#include <string>
#include <unordered_map>

#include "actors/validator/pair_stages.hpp"
#include "actors/validator/test_evidence.hpp"

namespace mendel::validator {
namespace {

using syntax::PythonChecker;
using syntax::Validity;

// Stages of the same settings share one checker and its processes.
Result<std::shared_ptr<PythonChecker>> shared_checker(const Python& settings) {
  static std::mutex mutex;
  static std::unordered_map<std::string, std::weak_ptr<PythonChecker>> running;
  const std::lock_guard lock(mutex);
  auto& slot = running[settings.interpreter() + "\n" + std::to_string(settings.helpers()) + "\n" + std::to_string(settings.check_timeout_ms())];
  if (auto checker = slot.lock()) return checker;
  auto started = PythonChecker::start({settings.interpreter(), settings.helpers(), settings.check_timeout_ms()});
  if (!started) return started.error();
  std::shared_ptr<PythonChecker> checker = std::move(*started);
  slot = checker;
  return checker;
}

class PairValidator final : public ValidatorStage {
 public:
  PairValidator(const Config& config, std::shared_ptr<PythonChecker> checker, std::unique_ptr<TestEvidence> evidence)
      : limits_(config.validate()), checker_(std::move(checker)), evidence_(std::move(evidence)) {}

  Result<WorkResult> run(const WorkItem& item) override {
    if (item.input_case() != WorkItem::kValidate)
      return Error{ErrorCode::invalid_input, "the validator was given an item of another stage"};
    const auto& batch = item.validate();
    if (batch.pairs_size() != batch.pair_ids_size())
      return Error{ErrorCode::invalid_input, "the item names " + std::to_string(batch.pair_ids_size()) + " pairs and brings " +
                                                 std::to_string(batch.pairs_size())};
    WorkResult result;
    result.set_item_id(item.id());
    result.set_stage(Stage::validate);
    for (const char* counter : {"validate.pairs", "validate.accepted"}) (*result.mutable_funnel())[counter] = 0;
    std::vector<Finding> glances;
    for (const auto& pair : batch.pairs()) glances.push_back(glance(pair, limits_));
    const auto judged = judge(batch, glances);
    Examine examine;
    if (evidence_) examine = [this](const Pair& pair) { return evidence_->examine(pair); };
    static const Validity kNotJudged{Validity::Kind::invalid_text, 0, "not judged"};
    for (int i = 0; i < batch.pairs_size(); ++i) {
      const auto& pair = batch.pairs(i);
      const auto& glanced = glances[static_cast<std::size_t>(i)];
      const bool asked = glanced.reason.empty();
      add(prove(pair, glanced, asked ? judged.at(pair.fixed()) : kNotJudged, asked ? judged.at(pair.buggy()) : kNotJudged, limits_, examine), result);
      if (evidence_)
        if (auto fault = evidence_->fault(); !fault) return fault.error();
    }
    if (evidence_)
      for (const auto& [name, count] : evidence_->take_counts()) (*result.mutable_funnel())[name] += count;
    return result;
  }

 private:
  std::unordered_map<std::string_view, Validity> judge(const PairBatch& batch, const std::vector<Finding>& glances) {
    std::unordered_map<std::string_view, Validity> out;
    std::vector<std::string_view> texts;
    for (int i = 0; i < batch.pairs_size(); ++i) {
      if (!glances[static_cast<std::size_t>(i)].reason.empty()) continue;
      for (const std::string_view text : {std::string_view(batch.pairs(i).fixed()), std::string_view(batch.pairs(i).buggy())})
        if (out.try_emplace(text).second) texts.push_back(text);
    }
    auto verdicts = checker_->check(texts);
    for (std::size_t i = 0; i < texts.size(); ++i) out[texts[i]] = std::move(verdicts[i]);
    return out;
  }

  static void add(Proof proof, WorkResult& result) {
    auto& funnel = *result.mutable_funnel();
    ++funnel["validate.pairs"];
    if (proof.verdict().accepted()) ++funnel["validate.accepted"];
    for (const auto& stage : proof.verdict().stages()) {
      if (stage.result() != StageResult::fail) continue;
      auto& rejection = *result.add_rejections();
      rejection.set_subject(proof.verdict().pair_id());
      rejection.set_pair_id(proof.verdict().pair_id());
      rejection.set_reason(stage.reason());
      rejection.set_detail(stage.detail());
    }
    *result.add_proofs() = std::move(proof);
  }

  Validate limits_;
  std::shared_ptr<PythonChecker> checker_;
  std::unique_ptr<TestEvidence> evidence_;  // null: nothing is run
};

}  // namespace

Result<std::unique_ptr<ValidatorStage>> ValidatorStage::start(const Config& config, bool run_tests) {
  auto checker = shared_checker(config.python());
  if (!checker) return checker.error();
  std::unique_ptr<TestEvidence> evidence;
  if (run_tests) {
    auto started = TestEvidence::start(config);
    if (!started) return started.error();
    evidence = *std::move(started);
  }
  return std::unique_ptr<ValidatorStage>(std::make_unique<PairValidator>(config, *std::move(checker), std::move(evidence)));
}

}  // namespace mendel::validator
