// mendel mutate --calibrate: from mined pairs to the weights of the mutation operators.
#pragma once

#include <string>

#include "actors/cli/context.hpp"

namespace mendel::cli {

// Reads pairs as JSON lines, names the type of each from its edit, and prints the weights as a [mutate] table that
// a configuration takes as it is (with --json: an array of objects); writes that table to `out` unless it is
// empty. Answers the exit status.
int calibrate(const Context& context, const Config& config, const std::string& pairs, const std::string& out);

}  // namespace mendel::cli
