// A model on made-up functions, untrained or trained.
#include "baseline.hpp"

#include <ATen/ATen.h>
#include <sys/resource.h>

#include <algorithm>
#include <ctime>
#include <random>

#include "checkpoint.hpp"
#include "faults.hpp"
#include "network.hpp"

namespace mendel::model {
namespace {

constexpr std::uint32_t kFunctions = 64, kCellsExact = 60, kCellsTimed = 127;  // 127: mean of real functions
constexpr int kRepeats = 5;
constexpr std::uint64_t kSeed = 7;
constexpr std::uint32_t kColumnsUsed = 12;

Sample made_up(std::mt19937_64& random, std::uint32_t cells, std::uint32_t vocabulary) {
  Sample s;
  const auto token = [&] { return static_cast<std::int16_t>(4 + random() % (vocabulary - 4)); };
  for (std::uint32_t t = 0; t < cells; ++t) {
    s.cells.push_back(t % kColumnsUsed == kColumnsUsed - 1 ? static_cast<std::int16_t>(kEolId) : token());
    s.rows.push_back(static_cast<std::uint8_t>(t / kColumnsUsed));
    s.columns.push_back(static_cast<std::uint8_t>(t % kColumnsUsed));
  }
  const auto first = static_cast<std::uint32_t>(random() % (cells - 1));
  s.edit = SpanEdit{first, first + 1, {token()}};
  return s;
}

double thread_cpu_ms() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

double peak_mb() {
  rusage use{};
  getrusage(RUSAGE_SELF, &use);
  return static_cast<double>(use.ru_maxrss) / 1024;
}

double forward_ms(const Network& network, const Sample& sample, std::uint32_t steps) {
  std::vector<double> took;
  Probe probe;
  probe.steps = steps;
  for (int i = 0; i < kRepeats; ++i) {
    const double before = thread_cpu_ms();
    network.propose(std::span(&sample, 1), 1, probe);
    took.push_back(thread_cpu_ms() - before);
  }
  std::nth_element(took.begin(), took.begin() + kRepeats / 2, took.end());
  return took[kRepeats / 2];
}

Baseline measured(const Network& network, double before_mb) {
  const auto& settings = network.settings();
  Baseline out;
  std::mt19937_64 random(kSeed);
  const auto timed = made_up(random, kCellsTimed, settings.vocabulary);
  out.cells = kCellsTimed;
  const std::uint32_t limit = settings.ctm.neurons > 0 ? settings.ctm.ticks : settings.supervision_steps;
  out.forward_ms = forward_ms(network, timed, limit);
  out.memory_mb = peak_mb() - before_mb;
  for (std::uint32_t steps = 1; steps <= limit; steps *= 2) out.steps.push_back({steps, forward_ms(network, timed, steps)});
  std::vector<Sample> samples;
  for (std::uint32_t i = 0; i < kFunctions; ++i) samples.push_back(made_up(random, kCellsExact, settings.vocabulary));
  std::size_t exact = 0;
  constexpr std::size_t kTogether = 8;
  for (std::size_t i = 0; i < samples.size(); i += kTogether) {
    const auto part = std::span(samples).subspan(i, kTogether);
    const auto answers = network.propose(part, 1);
    for (std::size_t k = 0; k < part.size(); ++k) exact += same_repair(part[k].cells, answers[k].front().edit, *part[k].edit) ? 1 : 0;
  }
  out.exact = static_cast<double>(exact) / kFunctions;
  return out;
}

}  // namespace

Expected<Baseline> measure_baseline(const ModelSettings& settings) {
  if (const auto why = settings_fault(settings); !why.empty()) return Failure{Fault::invalid, why};
  return guarded([&]() -> Expected<Baseline> {
    const double before_mb = peak_mb();
    return measured(Network(settings, kSeed, cpu_compute()), before_mb);
  });
}

Expected<Baseline> measure_trained(const std::filesystem::path& checkpoint) {
  return guarded([&]() -> Expected<Baseline> {
    const double before_mb = peak_mb();
    const auto read = read_checkpoint(checkpoint);
    if (!read) return read.failure();
    return measured(*read->network, before_mb);
  });
}

}  // namespace mendel::model
