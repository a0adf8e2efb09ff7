// Which rules of the linters are asked for, and which bug each of them finds.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "proto/pair.pb.h"

namespace mendel::linter {

// One row: rules whose own fix turns the bug into its repair.
struct LintRule {
  const char* rule;  // of ruff
  BugClass::Value bug_class;
  const char* type;
  const char* description;  // what a person did
  const char* example;  // a file in which the rule finds exactly this
  bool unsafe;  // the fix counts as unsafe: taken only with Lint.unsafe_fixes
};

std::span<const LintRule> lint_rules();  // ascending by rule
const LintRule* find_rule(std::string_view rule);  // null if it is not in the table
std::string selected_rules();  // all of them, separated by commas

}  // namespace mendel::linter
