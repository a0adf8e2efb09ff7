// mendel lint --history REPO...: pairs of the changes by which a diagnostic disappears.
#pragma once

#include <cstdio>
#include <string>
#include <vector>

#include "actors/cli/context.hpp"

namespace mendel::cli {

// Pairs as JSON lines in walk order on `out`, whatever `jobs` is. Answers the exit status.
int lint_history(Context context, const std::vector<std::string>& repositories, std::uint32_t jobs, std::FILE* out);

}  // namespace mendel::cli
