// Which seeds a run of test_simulation goes through: `--seed N` one of them, told step by step; `--seeds N`
// or MENDEL_SEEDS how many.
#pragma once

#include <cstdint>

namespace mendel::runtime::samples {

struct SimulationOptions {
  std::uint64_t first_seed = 1, seeds = 5000;
  bool replay = false;
};

// Set by the main function before the tests run.
SimulationOptions& simulation_options();

}  // namespace mendel::runtime::samples
