// The models by name: exact sizes, all of them buildable, and how they are before any training.
#include <doctest/doctest.h>

#include <cmath>
#include <map>

#include "model/baseline.hpp"
#include "model/presets.hpp"

using namespace mendel::model;

namespace {

std::uint64_t parameters(const char* name) {
  std::uint64_t all = 0;
  for (const auto& [part, count] : parameters_by_part(find_preset(name)->settings)) all += count;
  return all;
}

}  // namespace

TEST_CASE("the specifications' models have their sizes, head included") {
  CHECK(std::abs(static_cast<double>(parameters("trm-coderepair-7m")) / 7'340'032 - 1) < 0.01);
  CHECK(std::abs(static_cast<double>(parameters("ctm-coderepair-15m")) / 15'000'000 - 1) < 0.01);
}

TEST_CASE("exact counts") {
  CHECK(parameters("trm-demo") == 1'347'189);
  CHECK(parameters("ctm-demo") == 1'753'848);
  CHECK(parameters("trm-coderepair-7m") == 7'367'030);
  CHECK(parameters("ctm-coderepair-15m") == 14'960'680);
}

TEST_CASE("every model is possible, and the specifications' settings are theirs") {
  for (const auto& preset : presets()) {
    CAPTURE(preset.name);
    CHECK(settings_fault(preset.settings).empty());
    CHECK(preset.settings.name == preset.name);
  }
  const auto& trm = find_preset("trm-coderepair-7m")->settings;
  CHECK(trm.high_cycles * (trm.low_cycles + 1) == 21);
  CHECK(trm.vocabulary == 32768);
  const auto& ctm = find_preset("ctm-coderepair-15m")->settings.ctm;
  CHECK(ctm.ticks == 64);
  CHECK(ctm.memory == 32);
  CHECK(find_preset("gpt") == nullptr);
}

TEST_CASE("an untrained model repairs about nothing, and its time grows with its steps") {
  auto settings = find_preset("ctm-demo")->settings;
  settings.vocabulary = 300;
  const auto baseline = measure_baseline(settings);
  REQUIRE(baseline);
  CHECK(baseline->exact < 0.05);
  CHECK(baseline->forward_ms > 0);
  CHECK(baseline->forward_ms < 500);
  CHECK(baseline->memory_mb < 200);
  REQUIRE(baseline->steps.size() == 3);  // 1, 2, 4
  CHECK(baseline->steps.back().steps == 4);
  settings.ctm.ticks = 0;
  CHECK(measure_baseline(settings).failure().fault == Fault::invalid);
}
