// The main function of test_simulation: doctest's options, and --seed and --seeds.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdlib>
#include <string_view>

#include "tests/runtime/simulation_options.hpp"

namespace mendel::runtime::samples {

SimulationOptions& simulation_options() {
  static SimulationOptions options;
  return options;
}

}  // namespace mendel::runtime::samples

int main(int argc, char** argv) {
  auto& options = mendel::runtime::samples::simulation_options();
  doctest::Context context;
  if (const char* wanted = std::getenv("MENDEL_SEEDS")) options.seeds = std::strtoull(wanted, nullptr, 10);
  for (int i = 1; i + 1 < argc; ++i) {
    const std::string_view name = argv[i];
    if (name == "--seeds") options.seeds = std::strtoull(argv[i + 1], nullptr, 10);
    if (name != "--seed") continue;
    options = {std::strtoull(argv[i + 1], nullptr, 10), 1, true};
    context.addFilter("test-case", "in any weather*");
  }
  context.applyCommandLine(argc, argv);
  return context.run();
}
