// Gates, rates inside a stage, the order of additions: without a run.
#include "model/curriculum.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <set>

#include "model/evaluation.hpp"
#include "model/gate_book.hpp"
#include "model/gradient.hpp"
#include "model/loader.hpp"
#include "samples.hpp"

using namespace mendel::model;

TEST_CASE("a gate is read as a place, a measure and a bound") {
  const auto step = parse_gate("step 50: loss < 5.0"), samples = parse_gate("samples 75000: exact_logic > 0.4"), end = parse_gate("end: ece<0.05");
  REQUIRE(step);
  CHECK(step->place == Gate::Place::step);
  CHECK(step->at == 50);
  CHECK(step->measure == "loss");
  CHECK(step->below);
  CHECK(step->bound == 5);
  REQUIRE(samples);
  CHECK(samples->place == Gate::Place::samples);
  CHECK(samples->at == 75000);
  CHECK_FALSE(samples->below);
  REQUIRE(end);
  CHECK(end->place == Gate::Place::end);
  CHECK(end->measure == "ece");
}

TEST_CASE("what is no gate is refused with the text, the fault and an example") {
  const std::pair<const char*, const char*> cases[] = {
      {"loss < 5", "no place"},           {"step: loss < 5", "no number"},        {"step 0: loss < 5", "no number"},
      {"hour 3: loss < 5", "not step N"}, {"end: loss 5", "no < or >"},           {"end: accuracy > 0.7", "unknown measure \"accuracy\", known are loss"},
      {"end: exact_ > 1", "unknown"},     {"end: loss < five", "bound is no number"}, {"", "no place"}};
  for (const auto& [text, why] : cases) {
    CAPTURE(text);
    const auto gate = parse_gate(text);
    REQUIRE_FALSE(gate);
    CHECK(gate.failure().what.find(why) != std::string::npos);
    CHECK(gate.failure().what.find("\"end: loss < 2.5\"") != std::string::npos);
  }
}

TEST_CASE("the warm-up takes at most a tenth of a stage, and each cycle falls from the peak to the floor") {
  StagePlan stage;
  stage.warmup_steps = 500;  // of 196 steps
  CHECK(stage_rate_factor(stage, 9, 9.0 / 196) < 0.5);
  CHECK(stage_rate_factor(stage, 20, 20.0 / 196) > 0.9);
  stage.warmup_steps = 0;
  CHECK(stage_rate_factor(stage, 0, 0) == doctest::Approx(1));
  CHECK(stage_rate_factor(stage, 98, 0.5) == doctest::Approx(0.515));
  CHECK(stage_rate_factor(stage, 196, 1) == doctest::Approx(0.03));
  stage.cycles = 2;
  CHECK(stage_rate_factor(stage, 0, 0.49999) == doctest::Approx(0.03).epsilon(0.001));
  CHECK(stage_rate_factor(stage, 0, 0.5) == doctest::Approx(1));
  stage.cycle_growth = 3;  // a quarter, then three
  CHECK(stage_rate_factor(stage, 0, 0.24999) == doctest::Approx(0.03).epsilon(0.001));
  CHECK(stage_rate_factor(stage, 0, 0.25) == doctest::Approx(1));
}

TEST_CASE("a curriculum that cannot be is refused by stage and setting") {
  StagePlan good;
  good.name = "stage_1";
  good.epochs = 1;
  const auto fault = [&](const std::function<void(std::vector<StagePlan>&)>& spoil, std::uint32_t ticks = 64, std::uint32_t memory = 32) {
    std::vector<StagePlan> stages = {good, good};
    stages[1].name = "stage_2";
    spoil(stages);
    return curriculum_fault(stages, ticks, memory, 100);
  };
  CHECK(fault([](auto&) {}).empty());
  CHECK(fault([](auto& s) { s[1].epochs = 0; }).find("stage_2: epochs is 0") != std::string::npos);
  CHECK(fault([](auto& s) { s[1].name = "stage_1"; }).find("two stages") != std::string::npos);
  CHECK(fault([](auto& s) { s[0].samples = {5, 100}; }).find("samples that the training set does not have") != std::string::npos);
  CHECK(fault([](auto& s) { s[0].ticks = 65; }).find("at most the model's 64") != std::string::npos);
  CHECK(fault([](auto& s) { s[0].memory = 33; }).find("at most the model's 32") != std::string::npos);
  CHECK(fault([](auto& s) { s[0].memory = 16, s[1].memory = 8; }).find("memory only grows") != std::string::npos);
  CHECK(fault([](auto& s) { s[0].memory = 16, s[1].memory = 0; }).empty());  // the model's own
  CHECK(fault([](auto& s) { s[0].ticks = 4; }, 0, 0).find("of a CTM") != std::string::npos);
  CHECK(fault([](auto& s) { s[0].cycles = 0; }).find("cycles") != std::string::npos);
}

TEST_CASE("a gate is due at its share of the stage, at the latest at the end, and once") {
  StagePlan stage;
  stage.name = "stage_1";
  stage.gates = {{*parse_gate("step 50: loss < 5"), 0.25, 0}, {*parse_gate("step 7: loss < 4"), 1, 7}, {*parse_gate("end: exact_syntax > 0.75"), 1, 0}};
  std::vector<GateResult> results;
  GateBook book(stage, results);
  CHECK(book.due(0.2, 5, false).empty());
  CHECK(book.due(0.2, 7, false).size() == 1);
  const auto due = book.due(0.25, 6, false);
  REQUIRE(due.size() == 1);
  GateView view;
  view.loss_mean = 4.9;
  CHECK(book.measure(*due[0], 12, view).met);
  CHECK(book.due(0.25, 6, false).empty());
  CHECK(book.due(1, 9, true).size() == 2);
  CurvePoint point;
  point.classes["syntax"] = {20, 0.75, 0.9};
  view.point = &point;
  const std::map<std::string, double> before = {{"syntax", 0.8}};
  view.exact_before = &before;
  CHECK_FALSE(book.measure(stage.gates[2], 20, view).met);  // not above
  CHECK(measured("detected_syntax", view) == 0.9);
  CHECK_FALSE(measured("exact_logic", view));
  CHECK(*measured("forgotten", view) == doctest::Approx(0.05));
  const auto all = all_gates({stage}, results);
  REQUIRE(all.size() == 3);
  CHECK(all[0].step == 12);
  CHECK(all[1].step == 0);
  CHECK_FALSE(all[1].met);
}

TEST_CASE("sums follow a tree whose subtrees are the partners' shares") {
  CHECK(tree_sums(1) == std::vector<std::uint32_t>{0});
  CHECK(tree_sums(3) == std::vector<std::uint32_t>{0, 1, 1});  // (a + b) + c
  CHECK(tree_sums(4) == std::vector<std::uint32_t>{0, 1, 0, 2});  // (a + b) + (c + d)
  for (const std::size_t count : {1u, 2u, 5u, 8u, 13u}) {
    std::uint32_t sums = 0;
    for (const auto n : tree_sums(count)) sums += n;
    CHECK(sums == count - 1);
    for (const std::uint32_t size : {1u, 2u, 4u, 8u}) {
      std::size_t next = 0;
      for (std::uint32_t rank = 0; rank < size; ++rank) {
        const auto [first, end] = subtree(count, rank, size);
        CHECK(first == next);
        next = end;
      }
      CHECK(next == count);
    }
  }
}

TEST_CASE("a batch of samples takes them whatever their length, and an epoch all of them once") {
  const MadeSet set(100);
  const std::vector<std::uint64_t> odd = {1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31, 33, 35, 37, 39, 41, 43, 45, 47, 49, 51, 53, 55, 57, 59, 61, 63, 65};
  Loader loader(set, 7, {2500, 400, 32}, odd);
  LoaderPosition at;
  std::set<std::uint64_t> seen;
  const auto first = *loader.next(at);
  CHECK(loader.epoch_share(at) == 0.5);
  CHECK_FALSE(loader.epoch_over(at));
  const auto last = *loader.next(at);
  CHECK(loader.epoch_over(at));
  CHECK(first.size() == 32);
  CHECK(last.size() == 1);
  for (const auto i : first) seen.insert(i);
  for (const auto i : last) seen.insert(i);
  CHECK(seen.size() == 33);
  CHECK(std::is_sorted(first.begin(), first.end(), [&](auto a, auto b) { return set.cells(a) < set.cells(b); }));
}

TEST_CASE("the calibration error is the distance between belief and truth") {
  CHECK(calibration_error({}) == 0);
  const std::vector<std::pair<double, bool>> sure = {{1.0, true}, {1.0, true}, {0.0, false}}, wrong = {{0.95, false}, {0.95, false}};
  CHECK(calibration_error(sure) == doctest::Approx(0));
  CHECK(calibration_error(wrong) == doctest::Approx(0.95));
}
