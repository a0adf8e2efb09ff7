// Which rules of the linters are asked for, and which bug each of them finds.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "proto/pair.pb.h"

namespace mendel::linter {

// One row: a rule that tells a bug from its repair.
struct LintRule {
  const char* rule;  // as the tool names it
  BugClass::Value bug_class;
  const char* type;
  const char* description;  // what a person did
  const char* example;  // a file in which the rule finds exactly this
  bool unsafe;  // ruff only: its fix counts as unsafe and is taken only with Lint.unsafe_fixes
};

std::span<const LintRule> lint_rules(std::string_view tool);  // ascending by rule; empty for an unknown tool
const LintRule* find_rule(std::string_view tool, std::string_view rule);  // null if it is not in the table
std::string selected_rules(std::string_view tool);  // all of them, separated by commas

std::span<const LintRule> ruff_rules();
std::span<const LintRule> pylint_rules();
std::span<const LintRule> mypy_rules();
std::span<const LintRule> bandit_rules();

}  // namespace mendel::linter
