// Deep supervision with rows replaced as they halt: what goes on, what starts anew, and that a run survives a kill.
#include "torch_doctest.hpp"

#include <limits>

#include "model/carried_rows.hpp"
#include "model/network.hpp"
#include "model/optimizer.hpp"
#include "model/run_state.hpp"
#include "runs.hpp"

using namespace mendel::model;

namespace {

ModelSettings thinking(std::uint32_t steps) {
  ModelSettings s;
  s.vocabulary = kTestVocabulary;
  s.width = 32;
  s.encoder_layers = "r";
  s.recursive_layers = "f";
  s.high_cycles = 1;
  s.low_cycles = 1;
  s.supervision_steps = steps;
  return s;
}

// All samples with a state whose score of halting is given.
CarriedRows rows_of(const std::vector<double>& halt_logits) {
  CarriedRows rows;
  rows.wait(made(halt_logits.size()));
  rows.let_in({100000, 400, 0});
  for (std::size_t i = 0; i < halt_logits.size(); ++i) rows.states()[i] = {at::ones({1}), at::ones({1}), halt_logits[i]};
  return rows;
}

void set_up(Plan& plan) {
  plan.input.settings = thinking(4);
  plan.input.options.replace_halted = true;
  plan.input.options.cells_per_batch = 300;
}

}  // namespace

TEST_CASE("steps that carry their state are the supervision steps of one presentation, whoever shares the batch") {
  const Network network(thinking(3), 7, at::kDouble);
  const auto samples = made(6);
  const auto whole = network.loss(samples);
  std::vector<RowState> states(6);
  double total = 0, halt = 0;
  for (int step = 0; step < 3; ++step) {
    // Two batches of other neighbours in each step.
    for (const auto& [first, count] : {std::pair{0, step + 1}, std::pair{step + 1, 5 - step}}) {
      const auto one = network.step_loss(network.prepare(std::span(samples).subspan(first, count)), std::span(states).subspan(first, count));
      total += one.total().item<double>();
      halt += one.halt.item<double>();
    }
  }
  CHECK(total / 3 == doctest::Approx(whole.total().item<double>()).epsilon(1e-9));
  CHECK(halt / 3 == doctest::Approx(whole.halt.item<double>()).epsilon(1e-9));
  CHECK_FALSE(states[0].z_td.requires_grad());
  CHECK(states[0].z_td.size(0) == static_cast<std::int64_t>(samples[0].cells.size()));
}

TEST_CASE("a row goes on from its own state, and a fresh one from the start") {
  const Network network(thinking(3), 7, at::kDouble);
  const auto samples = made(2);
  const auto loss_of = [&](std::span<RowState> states) { return network.step_loss(network.prepare(samples), states).start.item<double>(); };
  std::vector<RowState> states(2);
  const auto first = loss_of(states), second = loss_of(states);
  CHECK(first != second);
  states.assign(2, {});
  CHECK(loss_of(states) == first);
}

TEST_CASE("a row halts by its score or at the limit of steps, and the next sample takes its place with a fresh start") {
  auto rows = rows_of({1, -1, 1, -1});
  const std::vector<Sample> before(rows.samples().begin(), rows.samples().end());
  rows.halt({7, 3, 0}, 1);
  REQUIRE(rows.samples().size() == 2);
  CHECK(rows.samples()[0].cells == before[1].cells);
  CHECK(rows.samples()[1].cells == before[3].cells);
  CHECK(rows.states()[0].z_td.defined());
  rows.wait({made_sample(77, true)});
  CHECK(rows.let_in({100000, 400, 0}) == 1);
  for (std::size_t i = 0; i < 3; ++i) CHECK(rows.states()[i].z_td.defined() == (rows.samples()[i].cells != made_sample(77, true).cells));
  rows.halt({7, 3, 0}, 2);
  CHECK(rows.samples().size() == 3);
  rows.halt({7, 3, 0}, 3);  // the third step of the old ones
  REQUIRE(rows.samples().size() == 1);
  CHECK(rows.samples()[0].cells == made_sample(77, true).cells);
  CHECK(rows.steps(0) == 2);
  rows.restart();
  CHECK(rows.steps(0) == 0);
  CHECK_FALSE(rows.states()[0].z_td.defined());
}

TEST_CASE("exploration keeps about its share of the rows that would halt, and none beyond the limit") {
  auto rows = rows_of(std::vector<double>(400, 1.0));
  rows.halt({7, 4, 0.5}, 1);
  CHECK(rows.samples().size() > 150);
  CHECK(rows.samples().size() < 250);
  for (std::uint64_t step = 2; step <= 4; ++step) rows.halt({7, 4, 1}, step);
  CHECK(rows.samples().empty());
}

TEST_CASE("rows fill a batch up to its limit, in cells or in samples, short ones first") {
  CarriedRows rows;
  const BatchLimits cells{100, 400, 0}, samples{100, 400, 5};
  CHECK(rows.wants_more(cells));
  rows.wait(made(40));
  CHECK_FALSE(rows.wants_more(cells));
  rows.let_in(cells);
  std::size_t all = 0;
  for (const auto& s : rows.samples()) all += s.cells.size();
  CHECK(all <= 100);
  CHECK(all > 70);
  CHECK(std::is_sorted(rows.samples().begin(), rows.samples().end(), [](const auto& a, const auto& b) { return a.cells.size() < b.cells.size(); }));
  CarriedRows five;
  five.wait(made(5));
  CHECK(five.let_in(samples) == 5);
  CHECK_FALSE(five.wants_more(samples));
  CHECK_FALSE(five.waiting());
}

TEST_CASE("carried rows come back from a file as they were; a file that cannot be is refused by tensor") {
  const TestFolder folder("carried");
  CarriedRows rows;
  rows.wait(made(9));
  rows.let_in({70, 400, 0});
  REQUIRE(rows.waiting());
  for (std::size_t i = 0; i < rows.samples().size(); ++i) {
    const auto t = static_cast<std::int64_t>(rows.samples()[i].cells.size());
    rows.states()[i] = {at::rand({t, 8}), at::rand({t, 8}), -1};
  }
  rows.halt({7, 16, 0}, 1);
  const auto kept = rows.tensors();
  const auto path = folder.path / "rows.safetensors";
  REQUIRE(write_tensors(path, kept.bytes(), {}));
  const auto file = TensorFile::open(path);
  REQUIRE(file);
  auto back = CarriedRows::read(*file, 8, at::kCPU);
  REQUIRE(back);
  CHECK(at::equal(back->tensors().rows, kept.rows));
  CHECK(at::equal(back->tensors().z_md, kept.z_md));
  CHECK(at::equal(back->tensors().y_md, kept.y_md));
  REQUIRE(back->samples().size() == rows.samples().size());
  for (std::size_t i = 0; i < rows.samples().size(); ++i) CHECK(back->samples()[i].edit == rows.samples()[i].edit);
  CHECK(CarriedRows::read(*file, 9, at::kCPU).failure().what.find("tensor carried.z") != std::string::npos);
  auto bytes = kept.bytes();
  bytes[0].shape[0] -= 1;
  REQUIRE(write_tensors(path, bytes, {}));
  const auto refused = CarriedRows::read(*TensorFile::open(path), 8, at::kCPU);
  REQUIRE_FALSE(refused);
  CHECK(refused.failure().fault == Fault::corrupt);
  CHECK(refused.failure().what.find("tensor carried.rows") != std::string::npos);
}

TEST_CASE("a run with replaced rows is killed and goes on with the same losses, on one thread as on two") {
  Plan whole("rows"), parted("rows-parted");
  for (auto* plan : {&whole, &parted}) {
    set_up(*plan);
    plan->input.options.steps_max = 25;
    plan->input.options.evaluations = 25;
  }
  parted.input.options.threads = 1;
  const auto done = train(whole.input);
  REQUIRE_MESSAGE(done, done.failure().what);
  std::uint64_t steps = 0, stop_at = 5;
  parted.input.on_step = [&](const StepReport& r) { steps = r.step; };
  parted.input.stop = [&] { return steps >= stop_at; };
  for (; stop_at < 25; stop_at += 6) REQUIRE_FALSE(train(parted.input));
  stop_at = std::numeric_limits<std::uint64_t>::max();
  const auto again = train(parted.input);
  REQUIRE_MESSAGE(again, again.failure().what);
  CHECK(again->resumed);
  CHECK(trace(parted.metrics()) == trace(whole.metrics()));
  CHECK(bytes_of(parted.input.run / "checkpoint.safetensors") == bytes_of(whole.input.run / "checkpoint.safetensors"));
  // Rows stay for up to four steps: fewer samples come in than rows are trained.
  CHECK(again->samples_seen > 25 * 300 / 20 / 4);
  CHECK(again->samples_seen < 25 * 300 / 20);
}

TEST_CASE("a run with replaced rows learns") {
  Plan plan("rows-learn");
  set_up(plan);
  plan.input.options.steps_max = 150;
  plan.input.options.learning_rate = 5e-3;
  double first = 0, last = 0;
  plan.input.on_step = [&](const StepReport& r) { (r.step == 1 ? first : last) = r.loss; };
  const auto done = train(plan.input);
  REQUIRE(done);
  CHECK(last < first / 2);
  CHECK(done->last.exact_always > 0.5);
}

TEST_CASE("rows are carried by operations as by the kernels") {
  Plan kernels("rows-kernels"), operations("rows-operations");
  operations.input.options.device = "cpu-operations";
  std::vector<double> losses[2];
  for (const int k : {0, 1}) {
    auto& plan = k == 0 ? kernels : operations;
    set_up(plan);
    plan.input.on_step = [&losses, k](const StepReport& r) { losses[k].push_back(r.loss); };
    const auto done = train(plan.input);
    REQUIRE_MESSAGE(done, done.failure().what);
  }
  REQUIRE(losses[0].size() == 12);
  for (std::size_t i = 0; i < 4; ++i) CHECK(losses[1][i] == doctest::Approx(losses[0][i]).epsilon(0.05));
}

TEST_CASE("a stage with replaced rows ends where its samples do") {
  Plan plan("rows-stages");
  set_up(plan);
  plan.input.options.steps_max = 0;
  StagePlan first, second;
  first.name = "first";
  for (std::uint64_t i = 0; i < 200; i += 3) first.samples.push_back(i);
  first.epochs = second.epochs = 1;
  second.name = "second";
  second.batch_samples = 16;
  plan.input.stages = {first, second};
  const auto done = train(plan.input);
  REQUIRE_MESSAGE(done, done.failure().what);
  CHECK(done->samples_seen == first.samples.size() + 200);
}

TEST_CASE("replaced rows are refused where nothing halts and among partners") {
  Plan plan("rows-refused");
  plan.input.options.replace_halted = true;
  const auto still = train(plan.input);
  REQUIRE_FALSE(still);
  CHECK(still.failure().what.find("replace_halted is set for a model that never halts; set supervision_steps above 1") != std::string::npos);
  set_up(plan);
  plan.input.group.size = 2;
  const auto many = train(plan.input);
  REQUIRE_FALSE(many);
  CHECK(many.failure().what.find("replace_halted carries rows in one process, and there are 2") != std::string::npos);
}
