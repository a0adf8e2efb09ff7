// Changes by which a diagnostic disappears, cut down to the part that makes it disappear.
//
// On the data's way: two versions of a file in, candidate pairs out; the buggy side is the function of the older
// version, the fixed side the same function with the fewest hunks of the change after which the linter is content.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "actors/linter/lint_tool.hpp"
#include "actors/linter/rule_table.hpp"
#include "actors/syntax/tree.hpp"
#include "proto/work.pb.h"

namespace mendel::linter {

struct VanishedFix {
  std::size_t change = 0;  // index into the changes
  std::string tool;
  const LintRule* rule = nullptr;
  std::string buggy, fixed, symbol;
};

struct VanishedFixes {
  std::vector<VanishedFix> fixes;  // in order of change, function, tool, rule
  std::uint64_t vanished = 0;  // diagnostics of a function that the newer version no longer has
  std::uint64_t probes = 0;  // texts that were linted to find the part of a change that matters
  std::vector<std::string> failures;  // "PATH: TOOL: why"
};

// A fix must leave its function parsing, take at least one diagnostic of its rule away from the function, and add no
// diagnostic of any rule to the file. Of equally small sets of hunks the first in order of place is taken; changes
// of a function with more than kHunksMax hunks are left alone. Deterministic. Errors: those of Linters::check.
Result<VanishedFixes> vanished_fixes(Linters& linters, syntax::Parser& parser, const FileChanges& changes);

inline constexpr std::size_t kHunksMax = 6;

}  // namespace mendel::linter
