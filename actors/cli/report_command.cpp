// mendel report: the progress box and the daily template of the specifications, from live numbers.
#include <cstdio>
#include <nlohmann/json.hpp>

#include "actors/cli/commands.hpp"
#include "actors/cli/coordinator_question.hpp"
#include "actors/cli/report_text.hpp"

namespace mendel::cli {
namespace {

struct ReportArguments {
  bool box = false, daily = false;
  std::string out;
};

std::string json_of(const ReportFacts& facts) {
  nlohmann::ordered_json out;
  const auto rows = report_rows(facts);
  out["running"] = facts.running;
  out["phase"] = facts.status.phase();
  for (const auto& row : rows) {
    nlohmann::ordered_json line = {{"id", row.id}, {"title", row.title}, {"done", nullptr}, {"target", row.target}, {"unit", row.unit}, {"percent", nullptr}, {"text", row.text}};
    if (row.done) line["done"] = *row.done;
    if (row.percent) line["percent"] = *row.percent;
    out["rows"].push_back(std::move(line));
  }
  out["overall_percent"] = overall_percent(rows);
  out["days"] = facts.days ? nlohmann::ordered_json(*facts.days) : nlohmann::ordered_json(nullptr);
  out["eta_s"] = facts.running && facts.status.eta_s() >= 0 ? nlohmann::ordered_json(facts.status.eta_s()) : nlohmann::ordered_json(nullptr);
  for (const auto& row : daily_rows(facts)) out["daily"].push_back({{"table", row.table}, {"metric", row.metric}, {"current", row.current}, {"target", row.target}, {"status", row.status}});
  return out.dump() + "\n";
}

int report(const Context& context, const ReportArguments& arguments) {
  auto running = running_status(context);
  if (!running) return fail(running.error());
  std::optional<Status> stored;
  if (!*running)
    if (auto read = stored_status(context)) stored = std::move(*read);
  const auto& metrics = context.config.metrics();
  const auto facts = gather_report(context.data, std::move(*running), std::move(stored), {metrics.proc(), metrics.sys(), context.data});
  const bool both = !arguments.box && !arguments.daily;
  std::string text;
  if (context.json) text = json_of(facts);
  else text = (both || arguments.box ? progress_box(facts) : "") + (both ? "\n" : "") + (both || arguments.daily ? daily_report(facts) : "");
  if (arguments.out.empty()) return std::fputs(text.c_str(), stdout) < 0 ? kFailed : kDone;
  std::FILE* file = std::fopen(arguments.out.c_str(), "w");
  const bool written = file != nullptr && std::fputs(text.c_str(), file) >= 0;
  if (file == nullptr || std::fclose(file) != 0 || !written) return fail({ErrorCode::io_error, arguments.out + ": cannot be written"});
  return kDone;
}

std::function<int()> declare(CLI::App& app, Context& context) {
  const auto arguments = std::make_shared<ReportArguments>();
  app.add_flag("--box", arguments->box, "the progress box alone");
  app.add_flag("--daily", arguments->daily, "the daily template alone");
  app.add_option("--out", arguments->out, "write to this file")->type_name("PATH");
  return [arguments, &context] { return report(context, *arguments); };
}

}  // namespace

const Subcommand kReportCommand = {"report", "the progress box and the day's report, from live numbers", "  mendel report\n  mendel --json report\n  mendel report --daily --out day.md", declare};

}  // namespace mendel::cli
