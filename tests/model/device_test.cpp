// Training and repair by the code of other devices, here on the CPU; a device without memory checks that nothing of
// the host is mixed in.
#include "torch_doctest.hpp"

#include <algorithm>
#include <cmath>

#include "model/compute.hpp"
#include "model/gradient.hpp"
#include "model/inference.hpp"
#include "model/memory.hpp"
#include "model/presets.hpp"
#include "model/safetensors.hpp"
#include "kinds.hpp"
#include "runs.hpp"

using namespace mendel::model;

namespace {

constexpr const char* kOther = "cpu-operations";

double field(const std::string& line, const std::string& key) { return std::stod(line.substr(line.find("\"" + key + "\":") + key.size() + 3)); }

// The same samples in the same steps, and losses that differ by rounding.
void check_alike(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  REQUIRE(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    CAPTURE(i);
    CHECK(field(a[i], "samples_seen") == field(b[i], "samples_seen"));
    CHECK(field(a[i], "loss") == doctest::Approx(field(b[i], "loss")).epsilon(0.02));
  }
}

// A function that fills the grid of the specification.
Sample full_sample(std::uint32_t vocabulary) {
  Sample s;
  for (std::uint32_t t = 0; t < kCellsMax; ++t) {
    s.cells.push_back(static_cast<std::int16_t>(6 + (t * 7919) % (std::min(vocabulary, 32767u) - 6)));
    s.rows.push_back(static_cast<std::uint8_t>(t / 48));
    s.columns.push_back(static_cast<std::uint8_t>(t % 48));
  }
  s.edit = SpanEdit{100, 102, {9, 10}};
  return s;
}

}  // namespace

TEST_CASE("devices that cannot be are refused with the remedy, and the run is left alone") {
  CHECK(device_fault("auto").empty());
  CHECK(device_fault("cpu").empty());
  CHECK(device_fault("gpu").find("allowed are auto, cpu, cuda") != std::string::npos);
  const auto why = device_fault("cuda", 1000);  // more GPUs than any machine has
  CHECK(why.find("cuda") + why.find("GPU") != 2 * std::string::npos);
  CHECK((why.find("or take cpu") != std::string::npos || why.find("start at most") != std::string::npos));
  Plan plan("no-device");
  plan.input.options.device = "cuda";
  plan.input.group.local_rank = 1000;
  const auto refused = train(plan.input);
  REQUIRE_FALSE(refused);
  CHECK(refused.failure().fault == Fault::invalid);
  CHECK(refused.failure().what == why);
  CHECK_FALSE(std::filesystem::exists(plan.input.run));
}

TEST_CASE("a run by the operations of other devices goes through the same samples to nearly the same losses, and its checkpoint is the same kind of file") {
  for (const std::string kind : {"once", "recursive", "ctm"}) {
    CAPTURE(kind);
    Plan here("here-" + kind), there("there-" + kind);
    for (auto* plan : {&here, &there}) plan->input.settings = settings_of(kind);
    there.input.options.device = kOther;
    REQUIRE(train(here.input));
    const auto done = train(there.input);
    REQUIRE_MESSAGE(done, done.failure().what);
    check_alike(trace(there.metrics()), trace(here.metrics()));
    const auto a = TensorFile::open(here.input.run / "checkpoint.safetensors"), b = TensorFile::open(there.input.run / "checkpoint.safetensors");
    REQUIRE(a);
    REQUIRE(b);
    CHECK(a->header().tensors.size() == b->header().tensors.size());
    for (const auto& entry : a->header().tensors) {
      const auto* other = b->find(entry.name);
      REQUIRE(other);
      CHECK(other->shape == entry.shape);
      CHECK(other->type == entry.type);
    }
    for (const auto& [key, value] : a->header().metadata)
      if (!key.starts_with("threshold.")) CHECK(b->header().metadata.at(key) == value);
  }
}

TEST_CASE("a run goes on on another device and back, says so, and ends near the losses of one device") {
  Plan whole("one-device"), moved("moved");
  REQUIRE(train(whole.input));
  std::vector<std::string> notes;
  std::uint64_t steps = 0, stop_at = 4;
  moved.input.note = [&](const std::string& line) { notes.push_back(line); };
  moved.input.on_step = [&](const StepReport& r) { steps = r.step; };
  moved.input.stop = [&] { return steps >= stop_at; };
  REQUIRE_FALSE(train(moved.input));
  moved.input.options.device = kOther;
  stop_at = 8;
  REQUIRE_FALSE(train(moved.input));
  moved.input.options.device = "cpu";
  stop_at = 1000;
  const auto done = train(moved.input);
  REQUIRE_MESSAGE(done, done.failure().what);
  CHECK(done->resumed);
  CHECK(std::count_if(notes.begin(), notes.end(), [](const auto& line) { return line.find("goes on on cpu") != std::string::npos; }) == 2);
  const auto a = trace(whole.metrics()), b = trace(moved.metrics());
  check_alike(b, a);
  // Before the change of device every digit is the same.
  for (std::size_t i = 0; i < 4; ++i) CHECK(a[i] == b[i]);
}

TEST_CASE("repairs by operations are those of the kernels") {
  for (const std::string kind : kKinds) {
    CAPTURE(kind);
    Network network(settings_of(kind), 3, at::kDouble);
    Workers workers(1);
    const auto samples = made(20);
    const auto kernels = propose_all(network, samples, 3, workers);
    network.use_operations(true);
    const auto operations = propose_all(network, samples, 3, workers);
    for (std::size_t i = 0; i < samples.size(); ++i) {
      REQUIRE(kernels[i].size() == operations[i].size());
      for (std::size_t k = 0; k < kernels[i].size(); ++k) {
        CHECK(kernels[i][k].edit == operations[i][k].edit);
        CHECK(kernels[i][k].steps == operations[i][k].steps);
        CHECK(operations[i][k].margin == doctest::Approx(kernels[i][k].margin));
        CHECK(operations[i][k].log_probability == doctest::Approx(kernels[i][k].log_probability));
      }
    }
  }
}

TEST_CASE("a checkpoint is loaded for another device and proposes the same") {
  Plan plan("loaded");
  plan.input.options.steps_max = 30;
  REQUIRE(train(plan.input));
  const auto path = plan.input.run / "checkpoint.safetensors";
  const auto here = RepairModel::load(path, "cpu"), there = RepairModel::load(path, kOther);
  REQUIRE(here);
  REQUIRE(there);
  const auto samples = made(12);
  const auto a = (*here)->propose(samples, 1), b = (*there)->propose(samples, 1);
  REQUIRE(a);
  REQUIRE(b);
  for (std::size_t i = 0; i < samples.size(); ++i) CHECK((*a)[i][0].margin == doctest::Approx((*b)[i][0].margin).epsilon(0.05));
  const auto nowhere = RepairModel::load(path, "abacus");
  REQUIRE_FALSE(nowhere);
  CHECK(nowhere.failure().fault == Fault::invalid);
}

TEST_CASE("a step of training on another device mixes in no tensor of the host") {
  for (const std::string kind : kKinds) {
    for (const bool recompute : {false, true}) {
      CAPTURE(kind);
      CAPTURE(recompute);
      Network network(settings_of(kind), 1, Compute{at::kMeta, true, at::kBFloat16});
      network.set_recompute(recompute);
      const auto loss = network.loss(made(9)).total();
      CHECK(loss.is_meta());
      const auto leaves = leaves_of(network.parameters());
      const auto gradients = torch::autograd::grad({loss}, leaves);
      for (std::size_t i = 0; i < leaves.size(); ++i) {
        CHECK(gradients[i].is_meta());
        CHECK(gradients[i].sizes() == leaves[i].sizes());
      }
    }
  }
}

TEST_CASE("the full-size models fit together on a full grid, without the memory that it takes") {
  for (const std::string name : {"trm-coderepair-7m", "ctm-coderepair-15m"}) {
    CAPTURE(name);
    const auto& settings = find_preset(name)->settings;
    const Network network(settings, 1, Compute{at::kMeta, true, at::kBFloat16});
    const std::vector<Sample> samples(3, full_sample(settings.vocabulary));
    const auto prepared = network.prepare(samples);
    for (const auto reach : {Reach::row, Reach::column, Reach::function}) CHECK_FALSE(prepared.batch->slots(reach).real_s11l.defined());  // no mask where nothing is padded
    const auto gradients = torch::autograd::grad({network.loss(prepared).total()}, leaves_of(network.parameters()));
    CHECK(gradients.size() == network.parameters().all().size());
  }
}

TEST_CASE("gradient checkpointing by operations gives the same gradients in less memory") {
  for (const std::string kind : kKinds) {
    CAPTURE(kind);
    Network network(settings_of(kind), 2, at::kDouble);
    network.use_operations(true);
    const auto leaves = leaves_of(network.parameters());
    const auto samples = made(60);
    const auto run = [&](bool recompute, std::uint64_t& peak) {
      network.set_recompute(recompute);
      std::vector<at::Tensor> out;
      peak = peak_tensor_bytes([&] { out = torch::autograd::grad({network.loss(samples).total()}, leaves); });
      return out;
    };
    std::uint64_t whole = 0, less = 0;
    const auto a = run(false, whole), b = run(true, less);
    for (std::size_t i = 0; i < leaves.size(); ++i) CHECK(at::allclose(a[i], b[i], 1e-9, 1e-12));
    CHECK(less < whole);
  }
}

TEST_CASE("micro-batches of another device are as large as its memory allows, and the gradient is the same") {
  Network network(settings_of("once"), 7, at::kFloat);
  network.use_operations(true);
  Workers workers(1);
  const auto samples = made(300);
  StepNews news;
  std::vector<std::string> notes;
  const auto note = [&](const std::string& line) { notes.push_back(line); };
  BatchGradient free(network, workers, nullptr, {0, std::uint64_t{8} << 30}, note);
  const auto losses = free.compute(samples, news);
  REQUIRE(losses);
  std::size_t cells = 0;
  for (const auto& s : samples) cells += s.cells.size();
  CHECK(free.cells_per_part() >= cells);  // all at once
  REQUIRE(notes.size() == 1);
  CHECK(notes[0].find("by the memory that is free") != std::string::npos);
  const auto bound = free.part_bytes() / 3;
  BatchGradient tight(network, workers, nullptr, {0, bound}, note);
  REQUIRE(tight.compute(samples, news)->sum() == doctest::Approx(losses->sum()));
  CHECK(tight.cells_per_part() < cells / 2);
  CHECK(tight.part_bytes() <= bound);
  CHECK(at::allclose(tight.gradient(), free.gradient(), 1e-3, 1e-5));
}

TEST_CASE("work that does not fit is done in halves, down to one element") {
  std::vector<int> all(10);
  for (int i = 0; i < 10; ++i) all[static_cast<std::size_t>(i)] = i;
  std::vector<int> seen;
  const auto within = [&](std::size_t limit) {
    return [&, limit](std::span<int> part) {
      if (part.size() > limit) throw std::bad_alloc();
      seen.insert(seen.end(), part.begin(), part.end());
    };
  };
  in_parts_that_fit<int>(all, at::kCPU, within(3));
  CHECK(seen == all);
  CHECK_THROWS_AS(in_parts_that_fit<int>(all, at::kCPU, within(0)), std::bad_alloc);
  CHECK_THROWS_AS(in_parts_that_fit<int>(all, at::kCPU, [](std::span<int>) { throw std::runtime_error("other"); }), std::runtime_error);
}
