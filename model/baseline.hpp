// What a model does before it has learned anything: exact repairs (about none), time and memory of one
// function, and how the time grows with supervision steps or ticks.
#pragma once

#include <cstdint>
#include <vector>

#include "model/expected.hpp"
#include "model/repair_model.hpp"

namespace mendel::model {

struct Baseline {
  double exact = 0;  // share of made-up bugs whose best edit is the fix
  std::uint32_t cells = 0;  // of the function that is timed
  double forward_ms = 0;  // median CPU time of one function
  double memory_mb = 0;  // weights and the highest point of one function's pass, above what the process had before
  struct Point {
    std::uint32_t steps;
    double forward_ms;
  };
  std::vector<Point> steps;  // powers of two up to the model's own limit
};

// On one thread. The samples are made up from a fixed seed, so only times differ between runs.
Expected<Baseline> measure_baseline(const ModelSettings& settings);
// The same of a trained model: what its learning made of time and memory by steps. Made-up functions are not what it
// was trained on, so `exact` stays near nothing.
Expected<Baseline> measure_trained(const std::filesystem::path& checkpoint);

}  // namespace mendel::model
