// Out of memory: an allocator that refuses, and a run that goes on with smaller micro-batches.
#include "model/memory.hpp"

#include <ATen/ATen.h>
#include <c10/core/CPUAllocator.h>
#include <doctest/doctest.h>

#include <atomic>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <new>

#include "model/gradient.hpp"
#include "runs.hpp"

using namespace mendel::model;

namespace {

// An allocator with a limit on what is alive at once. The size of a block stands before it.
class Bounded : public c10::Allocator {
 public:
  c10::DataPtr allocate(std::size_t bytes) override {
    if (alive_ + bytes > limit_) {
      ++refused_;
      throw std::bad_alloc();
    }
    alive_ += bytes;
    peak_ = std::max<std::size_t>(peak_, alive_);
    auto* const block = static_cast<char*>(std::aligned_alloc(kHead, kHead * (2 + bytes / kHead)));
    std::memcpy(block, &bytes, sizeof bytes);
    return {block + kHead, block + kHead, &release, c10::Device(c10::DeviceType::CPU)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &release; }
  void copy_data(void* to, const void* from, std::size_t bytes) const override { default_copy_data(to, from, bytes); }

  static inline std::atomic<std::size_t> alive_{0}, peak_{0}, refused_{0}, limit_{SIZE_MAX};

 private:
  static constexpr std::size_t kHead = 64;
  static void release(void* data) {
    char* const block = static_cast<char*>(data) - kHead;
    std::size_t bytes = 0;
    std::memcpy(&bytes, block, sizeof bytes);
    alive_ -= bytes;
    std::free(block);
  }
};

// In use while it lives.
struct Installed {
  static constexpr std::uint8_t kPriority = 100;
  static inline Bounded bounded;
  c10::Allocator* before = c10::GetCPUAllocator();
  Installed() { c10::SetCPUAllocator(&bounded, kPriority); }
  ~Installed() { c10::SetCPUAllocator(before, kPriority); }
};

}  // namespace

TEST_CASE("the most bytes alive at once are measured, whatever was freed meanwhile") {
  const auto peak = peak_tensor_bytes([] {
    { const auto a = at::zeros({1000}), b = at::zeros({500}); }
    const auto c = at::zeros({200});
  });
  CHECK(peak >= 6000);
  CHECK(peak < 7000);
  CHECK(free_memory_bytes() > 0);
}

TEST_CASE("what allocators throw is told from other errors") {
  CHECK(is_out_of_memory(std::make_exception_ptr(std::bad_alloc())));
  CHECK_FALSE(is_out_of_memory(std::make_exception_ptr(std::runtime_error("allocate"))));
  std::exception_ptr huge;
  try {
    at::empty({std::int64_t{1} << 60}, at::kByte);
  } catch (...) {
    huge = std::current_exception();
  }
  REQUIRE(huge);
  CHECK(is_out_of_memory(huge));
}

TEST_CASE("out of memory the same samples make the step, in smaller micro-batches, and the run ends as well") {
  Installed installed;
  for (const std::string device : {"cpu", "cpu-operations"}) {
    CAPTURE(device);
    auto& bounded = Installed::bounded;
    const auto run = [&](Plan& plan, std::size_t limit) {
      plan.input.options.cells_per_batch = 5000;
      plan.input.options.steps_max = 4;
      plan.input.options.threads = 1;
      plan.input.options.device = device;
      plan.input.on_step = [&, limit](const StepReport&) { bounded.limit_ = limit; };  // the first step sets what is measured
      bounded.peak_ = bounded.alive_.load();
      bounded.limit_ = SIZE_MAX;
      const auto done = train(plan.input);
      bounded.limit_ = SIZE_MAX;
      return done;
    };
    Plan free("memory-free"), tight("memory-tight"), none("memory-none");
    const auto before = bounded.alive_.load();
    REQUIRE(run(free, SIZE_MAX));
    const auto peak = bounded.peak_ - before;
    std::vector<std::string> notes;
    tight.input.note = [&](const std::string& line) { notes.push_back(line); };
    const auto done = run(tight, before + peak * 6 / 10);
    REQUIRE_MESSAGE(done, done.failure().what);
    CHECK(bounded.refused_ > 0);
    REQUIRE_FALSE(notes.empty());
    CHECK(notes.back().find("the same samples make a step") != std::string::npos);
    // The same batches; sums in another order differ in the last digits alone.
    const auto a = trace(free.metrics()), b = trace(tight.metrics());
    REQUIRE(a.size() == b.size());
    const auto field = [](const std::string& line, const std::string& key) { return std::stod(line.substr(line.find("\"" + key + "\":") + key.size() + 3)); };
    for (std::size_t i = 0; i < a.size(); ++i) {
      CHECK(field(a[i], "samples_seen") == field(b[i], "samples_seen"));
      CHECK(field(b[i], "loss") == doctest::Approx(field(a[i], "loss")).epsilon(1e-2));
    }
    const auto refused = run(none, before + peak / 20);
    REQUIRE_FALSE(refused);
    CHECK(refused.failure().fault == Fault::out_of_memory);
    CHECK(refused.failure().what.find("goes on after step 1") != std::string::npos);
    CHECK(std::filesystem::exists(none.input.run / "state" / "state.safetensors"));
  }
}

TEST_CASE("a bound on the memory decides how many micro-batches are computed at once, and no number until one is too much") {
  ModelSettings settings;
  settings.vocabulary = kTestVocabulary;
  settings.width = 32;
  const Network network(settings, 7, at::kFloat);
  Workers workers(2);
  std::vector<Sample> samples;
  for (std::uint32_t i = 0; i < 300; ++i) samples.push_back(made_sample(i, i % 4 != 3));
  std::vector<std::string> notes;
  const auto note = [&](const std::string& line) { notes.push_back(line); };
  StepNews news;
  BatchGradient free(network, workers, nullptr, {}, note);
  const auto losses = free.compute(samples, news);
  REQUIRE(losses);
  REQUIRE(free.at_once() == 2);
  CHECK(notes.empty());
  const auto part = free.part_bytes();
  BatchGradient one(network, workers, nullptr, {kCellsPerPart, part * 3 / 2}, note);
  REQUIRE(one.compute(samples, news)->sum() == losses->sum());
  CHECK(one.at_once() == 1);
  CHECK(one.cells_per_part() == kCellsPerPart);
  REQUIRE(notes.size() == 1);
  CHECK(notes[0].find("1 at once instead of 2") != std::string::npos);
  CHECK(at::equal(one.gradient(), free.gradient()));
  BatchGradient small(network, workers, nullptr, {kCellsPerPart, part * 2 / 3}, note);
  REQUIRE(small.compute(samples, news)->sum() == doctest::Approx(losses->sum()));
  CHECK(small.cells_per_part() < kCellsPerPart);
  CHECK(at::allclose(small.gradient(), free.gradient(), 1e-3, 1e-5));
}
