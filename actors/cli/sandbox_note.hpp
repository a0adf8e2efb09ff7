// What whoever runs code of pairs is told at the start.
#pragma once

#include "actors/cli/context.hpp"

namespace mendel::cli {

// One line on stderr where runs get no control group of their own: what is missing and the remedy.
void note_missing_group(const Config& config);

}  // namespace mendel::cli
