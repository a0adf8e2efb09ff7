// Rows of train.stages bound to a dataset.
#include "actors/trainer/curriculum.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "tests/trainer/dataset_rows.hpp"

using namespace mendel;
using namespace mendel::trainer;

namespace {

const auto kTokenizer = std::make_shared<const encoder::Tokenizer>(small_tokenizer());

// 60 bugs with difficulties 0.01, 0.02 …, two of three syntax, and 20 clean samples.
DatasetSamples made_samples() {
  DatasetSamples out("train", 400, *kTokenizer);
  for (int i = 1; i <= 60; ++i) {
    auto row = row_of(kTokenizer, "def f(x):\n    return x - 1", "def f(x):\n    return x + 1");
    row.set_difficulty(i / 100.0);
    row.set_bug_class(i % 3 ? "syntax" : "logic");
    row.set_bug_type(i % 3 ? "missing_colon" : i % 2 ? "off_by_one" : "wrong_operator");
    row.set_source(i <= 50 ? "mutation" : i <= 55 ? "git" : "release");
    out.add(row);
  }
  for (int i = 0; i < 20; ++i) out.add(row_of(kTokenizer, "def f(x):\n    return x + 1", "def f(x):\n    return x + 1"));
  return out;
}

SampleKinds kinds_of(const DatasetSamples& samples) {
  SampleKinds out;
  out.add(samples);
  return out;
}

std::uint64_t bugs_in(const DatasetSamples& samples, const model::StagePlan& plan) {
  return static_cast<std::uint64_t>(std::count_if(plan.samples.begin(), plan.samples.end(), [&](auto i) { return samples.has_bug(i); }));
}

std::string refusal(const TrainStage& stage) {
  const auto samples = made_samples();
  Config config;
  *config.mutable_train()->add_stages() = stage;
  const auto plans = plan_stages(config, kinds_of(samples), {});
  return plans ? std::string() : plans.error().what;
}

}  // namespace

TEST_CASE("a stage takes the bugs of its difficulty and kinds, and clean code in the share of the split") {
  const auto samples = made_samples();
  REQUIRE(samples.size() == 80);
  Config config;
  auto& easy = *config.mutable_train()->add_stages();
  easy.set_difficulty_max(0.3);
  easy.add_classes("syntax");
  auto& wide = *config.mutable_train()->add_stages();
  wide.add_classes("syntax");
  wide.add_types("off_by_one");
  wide.set_samples(40);
  config.mutable_train()->add_stages()->set_samples(1000);
  std::vector<std::string> notes;
  const auto plans = plan_stages(config, kinds_of(samples), [&](std::string_view line) { notes.emplace_back(line); });
  REQUIRE_MESSAGE(plans, plans.error().what);
  CHECK(bugs_in(samples, (*plans)[0]) == 20);
  CHECK((*plans)[0].samples.size() == 27);  // and a quarter clean
  CHECK((*plans)[1].samples.size() == 40);
  CHECK(bugs_in(samples, (*plans)[1]) == 30);
  for (const auto i : (*plans)[1].samples) CHECK(samples.labels(i).bug_type != "wrong_operator");
  CHECK((*plans)[2].samples.size() == 80);
  REQUIRE(notes.size() == 1);
  CHECK(notes[0] == "stage 3: 80 samples fit, of 1000 asked for");
  CHECK((*plans)[2].name == "stage_3");
  const auto again = plan_stages(config, kinds_of(samples), {});
  CHECK((*again)[1].samples == (*plans)[1].samples);
  config.set_seed(8);
  CHECK((*plan_stages(config, kinds_of(samples), {}))[1].samples != (*plans)[1].samples);
}

TEST_CASE("a stage of some sources takes no bug of another, and its share of clean code") {
  const auto samples = made_samples();
  Config config;
  auto& real = *config.mutable_train()->add_stages();
  real.add_sources("mined");
  real.add_sources("release");
  auto& syntax = *config.mutable_train()->add_stages();
  syntax.add_sources("mined");
  syntax.add_classes("syntax");
  const auto plans = plan_stages(config, kinds_of(samples), {});
  REQUIRE_MESSAGE(plans, plans.error().what);
  CHECK(bugs_in(samples, (*plans)[0]) == 10);
  CHECK((*plans)[0].samples.size() == 13);
  for (const auto i : (*plans)[0].samples) CHECK((!samples.has_bug(i) || samples.labels(i).source != "mutation"));
  CHECK(bugs_in(samples, (*plans)[1]) == 3);
}

TEST_CASE("gates stand where they would in a stage of full size") {
  const auto samples = made_samples();
  Config config;
  auto& stage = *config.mutable_train()->add_stages();
  stage.set_samples(150000);
  stage.set_epochs(2);
  stage.set_batch(768);
  stage.set_accumulation(2);
  for (const auto* gate : {"step 49: loss < 5", "samples 75000: exact > 0.1", "end: loss < 2.5"}) stage.add_gates(gate);
  const auto plans = plan_stages(config, kinds_of(samples), {});
  REQUIRE(plans);
  const auto& gates = plans->front().gates;
  CHECK(gates[0].share == doctest::Approx(0.25));  // of 196 steps
  CHECK(gates[1].share == doctest::Approx(0.5));
  CHECK(gates[2].share == 1);
  CHECK(plans->front().batch_samples == 1536);
  config.mutable_train()->mutable_stages(0)->set_batch(0);
  config.mutable_train()->mutable_stages(0)->set_accumulation(1);
  CHECK(plan_stages(config, kinds_of(samples), {})->front().gates[0].step == 49);
}

TEST_CASE("stages that cannot be are refused with table and key") {
  TrainStage stage;
  stage.set_accumulation(2);
  CHECK(refusal(stage).find("train.stages[1].accumulation: is 2 without batch") != std::string::npos);
  stage = {};
  stage.set_difficulty_min(0.7);
  CHECK(refusal(stage).find("train.stages[1]: no bug of the training split") != std::string::npos);
  stage.set_difficulty_max(0.6);
  CHECK(refusal(stage).find("train.stages[1].difficulty_min: is above difficulty_max") != std::string::npos);
  stage = {};
  stage.add_sources("linter");
  CHECK(refusal(stage).find("train.stages[1]: no bug of the training split has this difficulty, these kinds and sources") != std::string::npos);
  stage = {};
  stage.add_gates("soon: loss < 1");
  CHECK(refusal(stage).find("train.stages[1].gates: gate \"soon: loss < 1\"") != std::string::npos);
  stage = {};
  stage.add_gates("samples 10: loss < 1");
  CHECK(refusal(stage).find("the stage says none") != std::string::npos);
  stage = {};
  stage.set_samples(60);
  stage.add_gates("samples 61: loss < 1");
  CHECK(refusal(stage).find("stands beyond the end of the stage, which is at 60") != std::string::npos);
}

TEST_CASE("results of gates are told with the stage's own name") {
  Train train;
  train.add_stages()->set_name("syntax");
  train.add_stages();
  const std::vector<model::GateResult> gates = {{"stage_1", "step 50: loss < 5", 50, 4.5, true}, {"stage_2", "end: exact_logic > 0.4", 90, std::nullopt, false},
                                                {"stage_2", "end: loss < 1", 0, std::nullopt, false}};
  const auto table = gate_table(train, gates);
  CHECK(table.find("stage 1 (syntax)") != std::string::npos);
  CHECK(table.find("4.5000  met") != std::string::npos);
  CHECK(table.find("not measurable  missed") != std::string::npos);
  CHECK(table.find("not reached") != std::string::npos);
  CHECK(gates_json(train, gates).find("\"measured\": 4.5") != std::string::npos);
  CHECK_FALSE(all_met(gates));
}
