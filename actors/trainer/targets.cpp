// The table of targets.
#include "actors/trainer/targets.hpp"

#include <cstdio>
#include <string_view>

namespace mendel::trainer {
namespace {

constexpr double kDetectionAlarms = 0.1;

struct TargetRow {
  const char* name;
  std::string_view bug_class;  // empty: all
  bool detection;
  double minimum, target, stretch;
};
constexpr TargetRow kTargets[] = {
    {"syntax exact", "syntax", false, 0.85, 0.90, 0.93},
    {"logic exact", "logic", false, 0, 0.70, 0.72},
    {"security detected", "security", true, 0, 0.80, 0},
    {"security exact", "security", false, 0, 0, 0.78},
    {"all exact", "", false, 0.70, 0.75, 0.78},
};

std::string percent(double share) {
  char text[16] = "-";
  if (share > 0) std::snprintf(text, sizeof text, "%.0f", 100 * share);
  return text;
}

}  // namespace

std::vector<TargetResult> against_targets(const std::vector<SampleOutcome>& outcomes, const std::vector<AlarmLevel>& levels) {
  std::vector<TargetResult> out;
  for (const auto& row : kTargets) {
    std::vector<const SampleOutcome*> bugs;
    for (const auto& o : outcomes)
      if (o.has_bug && (row.bug_class.empty() || o.labels.bug_class == row.bug_class)) bugs.push_back(&o);
    const auto metrics = bug_metrics(bugs, levels);
    TargetResult result{row.name, metrics.exact, row.minimum, row.target, row.stretch};
    for (std::size_t k = 0; row.detection && k < levels.size(); ++k)
      if (levels[k].share == kDetectionAlarms) result.measured = metrics.levels[k].edited;
    out.push_back(result);
  }
  return out;
}

std::string target_table(const std::vector<TargetResult>& results) {
  std::string out = "targets, %                  measured   minimum    target   stretch\n";
  for (const auto& r : results) {
    char measured[32] = "no such bug", line[160];
    if (r.measured.n > 0) std::snprintf(measured, sizeof measured, "%.1f", 100 * r.measured.value());
    std::snprintf(line, sizeof line, "  %-20s %13s %9s %9s %9s%s\n", r.name, measured, percent(r.minimum).c_str(), percent(r.target).c_str(), percent(r.stretch).c_str(),
                  r.minimum_met() ? "" : "   minimum missed");
    out += line;
  }
  return out;
}

}  // namespace mendel::trainer
