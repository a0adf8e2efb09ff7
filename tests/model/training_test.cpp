// Whole runs: learning, resuming after a kill, refusals.
#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <limits>

#include "model/training.hpp"
#include "runs.hpp"

using namespace mendel::model;

TEST_CASE("a run learns, writes its files, and a second call answers at once") {
  Plan plan("learns");
  plan.input.options.steps_max = 60;
  plan.input.options.learning_rate = 5e-3;
  double first = 0, last = 0;
  plan.input.on_step = [&](const StepReport& r) { (r.step == 1 ? first : last) = r.loss; };
  int points = 0;
  plan.input.on_curve = [&](const CurvePoint&) { ++points; };
  plan.input.options.evaluations = 3;
  const auto done = train(plan.input);
  REQUIRE(done);
  CHECK(done->steps == 60);
  CHECK(points == 3);
  CHECK(last < first / 2);
  CHECK(done->cpu_minutes > 0);
  CHECK_FALSE(done->resumed);
  const auto model = RepairModel::load(done->checkpoint);
  REQUIRE(model);
  CHECK((*model)->thresholds().size() == 5);
  CHECK((*model)->facts() == plan.input.facts);
  const auto again = train(plan.input);
  REQUIRE(again);
  CHECK(again->already_done);
  CHECK(again->steps == 60);
  CHECK(again->last.exact_always == done->last.exact_always);
  CHECK(points == 3);
}

TEST_CASE("one thread and two give the same losses and the same checkpoint, byte for byte") {
  Plan one("one-thread"), two("two-threads");
  one.input.options.threads = 1;
  REQUIRE(train(one.input));
  REQUIRE(train(two.input));
  CHECK(trace(one.metrics()) == trace(two.metrics()));
  CHECK(bytes_of(one.input.run / "checkpoint.safetensors") == bytes_of(two.input.run / "checkpoint.safetensors"));
}

TEST_CASE("a run that is stopped or killed goes on with the same losses") {
  Plan whole("whole"), parted("parted");
  REQUIRE(train(whole.input));
  std::uint64_t stop_at = 5;
  std::uint64_t steps = 0;
  parted.input.on_step = [&](const StepReport& r) { steps = r.step; };
  parted.input.stop = [&] { return steps >= stop_at; };
  auto stopped = train(parted.input);
  REQUIRE_FALSE(stopped);
  CHECK(stopped.failure().fault == Fault::interrupted);
  // A kill after the state of step 5: later lines, and a torn one, are in the metrics but not in the state.
  const auto state = parted.input.run / "state" / "state.safetensors", kept = parted.folder.path / "kept";
  std::filesystem::copy_file(state, kept);
  stop_at = 8;
  REQUIRE_FALSE(train(parted.input));
  std::filesystem::copy_file(kept, state, std::filesystem::copy_options::overwrite_existing);
  std::ofstream(parted.metrics(), std::ios::app) << "{\"stage\":\"de";
  stop_at = std::numeric_limits<std::uint64_t>::max();
  const auto done = train(parted.input);
  REQUIRE(done);
  CHECK(done->resumed);
  CHECK(trace(parted.metrics()) == trace(whole.metrics()));
  CHECK(bytes_of(parted.input.run / "checkpoint.safetensors") == bytes_of(whole.input.run / "checkpoint.safetensors"));
}

TEST_CASE("the type of checkpoints changes no loss, and a resume may change it") {
  Plan full("full"), brief("short");
  brief.input.options.checkpoint_type = CheckpointType::bf16;
  REQUIRE(train(full.input));
  std::uint64_t steps = 0;
  brief.input.on_step = [&](const StepReport& r) { steps = r.step; };
  brief.input.stop = [&] { return steps == 5; };
  REQUIRE_FALSE(train(brief.input));
  brief.input.stop = {};
  const auto done = train(brief.input);
  REQUIRE(done);
  CHECK(trace(full.metrics()) == trace(brief.metrics()));
  const auto size = [](const Plan& plan, const char* file) { return static_cast<double>(std::filesystem::file_size(plan.input.run / file)); };
  CHECK(size(brief, "checkpoint.safetensors") < 0.6 * size(full, "checkpoint.safetensors"));
  CHECK(size(brief, "state/state.safetensors") == doctest::Approx(size(full, "state/state.safetensors")).epsilon(0.01));
  const auto model = RepairModel::load(done->checkpoint);
  REQUIRE_MESSAGE(model, model.failure().what);
  CHECK((*model)->thresholds().size() == 5);
}

TEST_CASE("minutes end a run without a limit of steps") {
  Plan plan("minutes");
  plan.input.options.steps_max = 0;
  plan.input.options.minutes = 0.01;
  const auto done = train(plan.input);
  REQUIRE(done);
  CHECK(done->cpu_minutes >= 0.01);
  CHECK(done->steps > 1);
}

TEST_CASE("a folder with a run of other settings or facts is refused and left alone") {
  Plan plan("other");
  REQUIRE(train(plan.input));
  const auto before = bytes_of(plan.input.run / "state" / "state.safetensors");
  auto other = plan.input;
  other.settings.width = 64;
  auto refused = train(other);
  REQUIRE_FALSE(refused);
  CHECK(refused.failure().fault == Fault::invalid);
  CHECK(refused.failure().what.find("another model.width (32, now 64)") != std::string::npos);
  other = plan.input;
  other.facts["vocabulary_hash"] = "w";
  refused = train(other);
  REQUIRE_FALSE(refused);
  CHECK(refused.failure().what.find("another fact.vocabulary_hash") != std::string::npos);
  CHECK(bytes_of(plan.input.run / "state" / "state.safetensors") == before);
}

TEST_CASE("a damaged state gives way to the one before, with the same losses, and both damaged are refused by their file") {
  Plan whole("sound"), plan("damaged");
  for (auto* p : {&whole, &plan}) p->input.options.evaluations = 12;  // a state after every step
  REQUIRE(train(whole.input));
  std::uint64_t steps = 0;
  plan.input.on_step = [&](const StepReport& r) { steps = r.step; };
  plan.input.stop = [&] { return steps >= 6; };
  REQUIRE_FALSE(train(plan.input));
  const auto path = plan.input.run / "state" / "state.safetensors", before = plan.input.run / "state" / "before.safetensors";
  const auto flip_last = [](const std::filesystem::path& file) {
    auto bytes = bytes_of(file);
    bytes.back() = static_cast<char>(bytes.back() ^ 1);
    std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
  };
  flip_last(path);
  std::vector<std::string> notes;
  plan.input.note = [&](const std::string& line) { notes.push_back(line); };
  plan.input.stop = {};
  const auto done = train(plan.input);
  REQUIRE_MESSAGE(done, done.failure().what);
  CHECK(done->resumed);
  REQUIRE_FALSE(notes.empty());
  CHECK(notes[0].find("state.safetensors: has bytes with the checksum") != std::string::npos);
  CHECK(notes[0].find("going on from the state before it") != std::string::npos);
  CHECK(trace(plan.metrics()) == trace(whole.metrics()));
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 1);
  flip_last(before);
  const auto refused = train(plan.input);
  REQUIRE_FALSE(refused);
  CHECK(refused.failure().fault == Fault::corrupt);
  CHECK(refused.failure().what.find("state.safetensors") != std::string::npos);
}

TEST_CASE("inputs that cannot be trained on are refused with the field and the remedy") {
  Plan plan("refused");
  const MadeSet empty(std::vector<Sample>{});
  auto foreign = made_sample(1, false);
  foreign.cells[1] = 99;
  const MadeSet strange({foreign});
  const std::tuple<const char*, std::function<void(TrainInput&)>> cases[] = {
      {"heads is 3", [](TrainInput& in) { in.settings.heads = 3; }},
      {"the training set is empty", [&](TrainInput& in) { in.train = &empty; }},
      {"the validation set is empty", [&](TrainInput& in) { in.validation = &empty; }},
      {"no clean function", [](TrainInput& in) { in.options.cells_max = 2; }},
      {"training sample 0 has token id 99", [&](TrainInput& in) { in.train = &strange; }},
      {"minutes is 0", [](TrainInput& in) { in.options.minutes = 0; }},
      {"learning_rate is", [](TrainInput& in) { in.options.learning_rate = NAN; }},
      {"evaluations is 0", [](TrainInput& in) { in.options.evaluations = 0; }},
  };
  for (const auto& [text, spoil] : cases) {
    auto input = plan.input;
    spoil(input);
    const auto refused = train(input);
    CAPTURE(text);
    REQUIRE_FALSE(refused);
    CHECK(refused.failure().fault == Fault::invalid);
    CHECK(refused.failure().what.find(text) != std::string::npos);
  }
}

TEST_CASE("a rate that blows the weights up ends in a report, not in a crash") {
  Plan plan("diverged");
  plan.input.options.learning_rate = 1e30;
  plan.input.options.steps_max = 100;
  const auto refused = train(plan.input);
  REQUIRE_FALSE(refused);
  CHECK(refused.failure().fault == Fault::diverged);
  CHECK(refused.failure().what.find("lower learning_rate") != std::string::npos);
}
