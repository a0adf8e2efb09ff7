// Whole runs through a curriculum: stages in order, gates, resumes in the middle, a CTM whose memory grows.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "model/checkpoint.hpp"
#include "model/network.hpp"
#include "runs.hpp"

using namespace mendel::model;

namespace {

StagePlan stage(const char* name, std::uint32_t epochs, std::uint32_t batch) {
  StagePlan out;
  out.name = name;
  out.epochs = epochs;
  out.batch_samples = batch;
  out.warmup_steps = 2;
  return out;
}

PlacedGate gate(const char* text, double share) { return {*parse_gate(text), share, 0}; }

// 40 even samples twice in steps of 16, then all 200 once in steps of 64: 6 + 4 steps.
void two_stages(Plan& plan) {
  plan.input.options.steps_max = 0;
  auto first = stage("stage_1", 2, 16);
  for (std::uint64_t i = 0; i < 80; i += 2) first.samples.push_back(i);
  first.learning_rate = 3e-3;
  first.gates = {gate("step 3: loss < 100", 0.5), gate("end: exact > 2", 1)};
  auto second = stage("stage_2", 1, 64);
  second.cycles = 2;
  second.checkpoint_steps = 2;
  second.gates = {gate("end: exact_logic > 0.5", 1), gate("end: forgotten < 1.5", 1)};
  plan.input.stages = {first, second};
  for (std::uint64_t i = 0; i < plan.validation.size(); ++i) plan.input.validation_classes.push_back(i % 4 == 3 ? "" : "syntax");
}

void make_ctm(Plan& plan) {
  plan.input.settings.ctm.neurons = 16;
  plan.input.settings.ctm.memory = 6;
  plan.input.settings.ctm.hidden = 2;
  plan.input.settings.ctm.input = 16;
  plan.input.settings.ctm.heads = 2;
  plan.input.settings.ctm.pairs_out = plan.input.settings.ctm.pairs_action = 16;
  plan.input.settings.ctm.ticks = 4;
  plan.input.stages[0].ticks = 2;
  plan.input.stages[0].memory = 3;
}

std::vector<std::string> stages_of(const std::filesystem::path& metrics) {
  std::ifstream in(metrics);
  std::vector<std::string> out;
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("{\"stage\":\"")) out.push_back(line.substr(10, 7));
  return out;
}

// Stops after `at` steps, goes on, and compares with a run in one piece.
void check_resume(void (*prepare)(Plan&), const std::string& name, std::uint64_t at) {
  Plan whole(name + "-whole"), parted(name + "-parted");
  for (auto* plan : {&whole, &parted}) {
    two_stages(*plan);
    if (prepare) prepare(*plan);
  }
  const auto done = train(whole.input);
  REQUIRE_MESSAGE(done, done.failure().what);
  std::uint64_t steps = 0;
  parted.input.on_step = [&](const StepReport& r) { steps = r.step; };
  parted.input.stop = [&] { return steps >= at; };
  REQUIRE_FALSE(train(parted.input));
  parted.input.stop = {};
  const auto resumed = train(parted.input);
  REQUIRE(resumed);
  CHECK(resumed->resumed);
  CHECK(trace(parted.metrics()) == trace(whole.metrics()));
  CHECK(stages_of(parted.metrics()) == stages_of(whole.metrics()));
  CHECK(bytes_of(parted.input.run / "checkpoint.safetensors") == bytes_of(whole.input.run / "checkpoint.safetensors"));
  REQUIRE(resumed->gates.size() == done->gates.size());
  for (std::size_t i = 0; i < done->gates.size(); ++i) {
    CHECK(resumed->gates[i].measured == done->gates[i].measured);
    CHECK(resumed->gates[i].step == done->gates[i].step);
  }
}

}  // namespace

TEST_CASE("stages run in order, with their own steps, rates, gates and checkpoints") {
  Plan plan("stages");
  two_stages(plan);
  std::vector<double> rates;
  plan.input.on_step = [&](const StepReport& r) { rates.push_back(r.learning_rate); };
  std::vector<std::string> asked;
  plan.input.on_gate = [&](const GateResult& g) { asked.push_back(g.text); };
  int looks = 0;
  plan.input.on_look = [&](const Look& l) {
    ++looks;
    CHECK(l.certainty.size() == plan.validation.size());
    CHECK(l.synchronisation.empty());
    CHECK_FALSE(l.examples.empty());
  };
  const auto done = train(plan.input);
  REQUIRE_MESSAGE(done, done.failure().what);
  CHECK(done->steps == 10);
  CHECK(done->samples_seen == 80 + 200);
  CHECK(stages_of(plan.metrics()) == std::vector<std::string>{"stage_1", "stage_1", "stage_1", "stage_1", "stage_1", "stage_1", "stage_2", "stage_2", "stage_2", "stage_2"});
  CHECK(rates[2] <= 3e-3);
  CHECK(rates[1] > rates[5]);
  CHECK(rates[8] > rates[7]);  // a warm restart
  CHECK(asked == std::vector<std::string>{"step 3: loss < 100", "end: exact > 2", "end: exact_logic > 0.5", "end: forgotten < 1.5"});
  CHECK(looks > 0);
  REQUIRE(done->gates.size() == 4);
  CHECK(done->gates[0].met);
  CHECK(done->gates[0].step == 3);
  CHECK_FALSE(done->gates[1].met);
  CHECK_FALSE(done->gates[2].measured);  // no such bug in the validation set
  CHECK_FALSE(done->gates[2].met);
  CHECK(done->gates[3].met);
  for (const auto* file : {"best.safetensors", "checkpoints/stage_1-step_6.safetensors", "checkpoints/stage_2-step_2.safetensors", "checkpoints/stage_2-step_4.safetensors"}) {
    CAPTURE(file);
    CHECK(RepairModel::load(plan.input.run / file));
  }
  const auto again = train(plan.input);
  REQUIRE(again);
  CHECK(again->already_done);
  CHECK(again->gates[1].measured == done->gates[1].measured);
}

TEST_CASE("a run that is stopped in the middle of a stage, at its end or in the next goes on with the same losses") {
  check_resume(nullptr, "early", 4);
  check_resume(nullptr, "between", 6);
  check_resume(nullptr, "late", 9);
}

TEST_CASE("a CTM goes on in the middle of a stage with shorter memory and fewer ticks") {
  check_resume(make_ctm, "ctm", 4);
}

TEST_CASE("a memory that grows changes nothing that the machine says, and then learns") {
  Plan plan("grows");
  two_stages(plan);
  make_ctm(plan);
  plan.input.options.evaluations = 1;
  const auto done = train(plan.input);
  REQUIRE_MESSAGE(done, done.failure().what);
  // At the end of the short stage: the whole memory and the short one say the same, with the stage's ticks.
  auto kept = read_checkpoint(plan.input.run / "checkpoints/stage_1-step_6.safetensors");
  REQUIRE(kept);
  CHECK(kept->network->settings().ctm.ticks == 2);
  std::vector<Sample> samples;
  for (std::uint64_t i = 0; i < 8; ++i) samples.push_back(plan.validation.sample(i));
  const auto wide = kept->network->propose(samples, 1);
  kept->network->set_thinking(2, 3, false);
  const auto narrow = kept->network->propose(samples, 1);
  for (std::size_t i = 0; i < samples.size(); ++i) CHECK(wide[i][0].margin == doctest::Approx(narrow[i][0].margin).epsilon(1e-3));
  // After the stage with the whole memory its older inputs are in use.
  const auto last = read_checkpoint(done->checkpoint);
  REQUIRE(last);
  CHECK(last->network->settings().ctm.ticks == 4);
  const auto older = [](const Network& n) {
    for (const auto& p : n.parameters().all())
      if (p.name == "ctm.nlm.0.weight") return p.value.narrow(0, 0, 3).abs().max().item<double>();
    return -1.0;
  };
  CHECK(older(*kept->network) == 0);
  CHECK(older(*last->network) > 0);
}

TEST_CASE("minutes end a curriculum early, and the gates that were not reached are missed") {
  Plan plan("early-end");
  two_stages(plan);
  plan.input.options.minutes = 1e-9;
  const auto done = train(plan.input);
  REQUIRE(done);
  CHECK(done->steps == 1);
  for (const auto& g : done->gates) CHECK_FALSE(g.met);
  CHECK(done->gates[3].step == 0);
}

TEST_CASE("a curriculum with another choice of samples is another run, one with other gates is the same") {
  Plan plan("identity");
  two_stages(plan);
  REQUIRE(train(plan.input));
  plan.input.stages[1].gates.pop_back();
  const auto same = train(plan.input);
  REQUIRE(same);
  CHECK(same->gates.size() == 3);
  plan.input.stages[0].samples.pop_back();
  const auto other = train(plan.input);
  REQUIRE_FALSE(other);
  CHECK(other.failure().what.find("another option.stages") == std::string::npos);
  CHECK(other.failure().what.find("another stages") != std::string::npos);
}

TEST_CASE("the specification's AdamW trains too") {
  Plan plan("adamw");
  plan.input.options.adamw_only = true;
  plan.input.options.beta2 = 0.95;
  plan.input.options.steps_max = 40;
  double first = 0, last = 0;
  plan.input.on_step = [&](const StepReport& r) { (r.step == 1 ? first : last) = r.loss; };
  REQUIRE(train(plan.input));
  CHECK(last < 0.8 * first);
}
