// Facts as the specifications' progress box of 18 rows and as their daily template.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "actors/cli/report_facts.hpp"

namespace mendel::cli {

struct ReportRow {
  std::string id, title, phase;
  std::optional<double> done;  // absent: nothing was counted
  double target = 0;
  std::string unit;  // pairs, tokens, samples, grids; loss and accuracy are values, not counts
  std::optional<double> percent;  // 0..100; absent where there is no end to measure against
  std::string text;  // what stands behind the bar: "120/500K pairs", "Loss: 2.31", "Not started", "Conditional"
};

// The 18 rows P1.1 … P4.4, in order.
std::vector<ReportRow> report_rows(const ReportFacts& facts);
// Mean of the rows that have a percentage; rows not started count as 0, "Conditional" not at all.
double overall_percent(const std::vector<ReportRow>& rows);
std::string progress_box(const ReportFacts& facts);

// One line of the daily template's tables.
struct DailyRow {
  std::string table;  // resources, training, ctm
  std::string metric, current, target, status;  // current "not started" where nothing was measured
};
std::vector<DailyRow> daily_rows(const ReportFacts& facts);
std::string daily_report(const ReportFacts& facts);

// "2h 05m" of seconds; "unknown" below 0.
std::string time_left(double seconds);

}  // namespace mendel::cli
