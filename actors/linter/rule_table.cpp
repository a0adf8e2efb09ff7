// One table a tool, each in a file of its own.
#include "actors/linter/rule_table.hpp"

#include <algorithm>

namespace mendel::linter {
namespace {

struct RulesOfTool {
  std::string_view tool;
  std::span<const LintRule> (*rules)();
};
constexpr RulesOfTool kTables[] = {{"ruff", ruff_rules}, {"pylint", pylint_rules}, {"mypy", mypy_rules}, {"bandit", bandit_rules}};

}  // namespace

std::span<const LintRule> lint_rules(std::string_view tool) {
  for (const auto& table : kTables)
    if (table.tool == tool) return table.rules();
  return {};
}

const LintRule* find_rule(std::string_view tool, std::string_view rule) {
  const auto rules = lint_rules(tool);
  const auto at = std::lower_bound(rules.begin(), rules.end(), rule, [](const LintRule& row, std::string_view name) { return row.rule < name; });
  return at != rules.end() && at->rule == rule ? &*at : nullptr;
}

std::string selected_rules(std::string_view tool) {
  std::string out;
  for (const auto& row : lint_rules(tool)) out += (out.empty() ? "" : ",") + std::string(row.rule);
  return out;
}

}  // namespace mendel::linter
