// mendel dataset build: pairs in, dataset folder out; the same reduce as the plant's.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "actors/cli/context.hpp"

namespace mendel::cli {

struct BuildOptions {
  std::string pairs = "-";
  std::string out;
  std::string tokenizer;  // folder; empty: learn
  std::vector<std::string> benchmarks;  // added to clean.decontaminate
  std::uint32_t jobs = 1;
};

// Needs a scratch store beside `out` while it runs, so memory stays bounded. Exit status.
int build_dataset(const Context& context, const BuildOptions& options);

}  // namespace mendel::cli
