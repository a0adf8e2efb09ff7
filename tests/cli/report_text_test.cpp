// The progress box and the daily template: nothing is invented, everything counted shows.
#include <doctest/doctest.h>

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <stdexcept>

#include "actors/cli/report_text.hpp"

using namespace mendel;
using namespace mendel::cli;
namespace fs = std::filesystem;

namespace {

const ReportRow& row_of(const std::vector<ReportRow>& rows, const std::string& id) {
  for (const auto& row : rows)
    if (row.id == id) return row;
  throw std::runtime_error("no row " + id);
}

const DailyRow& daily_of(const std::vector<DailyRow>& rows, const std::string& metric) {
  for (const auto& row : rows)
    if (row.metric == metric) return row;
  throw std::runtime_error("no metric " + metric);
}

void write(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream(path) << text;
}

std::size_t columns(const std::string& line) {
  return static_cast<std::size_t>(std::count_if(line.begin(), line.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

}  // namespace

TEST_CASE("without a plant every row says that it was not started") {
  const auto rows = report_rows({});
  CHECK(rows.size() == 18);
  for (const auto& row : rows) {
    CAPTURE(row.id);
    CHECK_FALSE(row.done);
    CHECK(row.text == (row.id == "P4.3" ? "Conditional" : "Not started"));
  }
  CHECK(overall_percent(rows) == 0);
  for (const auto& row : daily_rows({}))
    if (row.table != "resources") CHECK(row.current == "not started");
}

TEST_CASE("what was counted stands beside its target, and more than the target is 100 %") {
  ReportFacts facts;
  facts.funnel = {{"mine.pairs", 125'000}, {"mutate.pairs", 2'000'000}, {"lint.pairs", 0}};
  const auto rows = report_rows(facts);
  CHECK(row_of(rows, "P1.1").text == "125.0K/500K pairs");
  CHECK(*row_of(rows, "P1.1").percent == doctest::Approx(25));
  CHECK(*row_of(rows, "P1.3").percent == 100);
  CHECK(row_of(rows, "P1.4").text == "0/300K pairs");  // counted, and nothing found: that is a number
  CHECK(row_of(rows, "P1.2").text == "Not started");
}

TEST_CASE("a stage of training is over once a later one runs, and never at 100 % before") {
  ReportFacts facts;
  facts.stages = {{1, {196, 2.41}}, {2, {400, 2.0}}};
  const auto rows = report_rows(facts);
  CHECK(row_of(rows, "P3.1").text == "Loss: 2.41");
  CHECK(*row_of(rows, "P3.1").percent == 100);
  CHECK(*row_of(rows, "P3.2").percent == 99);
  CHECK(row_of(rows, "P3.3").text == "Not started");
}

TEST_CASE("every line of the box is equally wide") {
  ReportFacts facts;
  facts.days = 2.5;
  facts.accuracy = 0.481;
  const auto box = progress_box(facts);
  for (std::size_t at = 0, end; at < box.size(); at = end + 1) {
    end = box.find('\n', at);
    CHECK(columns(box.substr(at, end - at)) == 79);
  }
  CHECK(box.find("Day 3/10") != std::string::npos);
  CHECK(box.find("Accuracy: 48.1%") != std::string::npos);
}

TEST_CASE("the daily template judges by the gate of the stage that trains") {
  ReportFacts facts;
  facts.stages = {{2, {100, 1.9}}};
  facts.training = {{"training_loss", 1.9}, {"training_samples_per_s", 120}, {"training_sync_variance", 0.25}};
  const auto rows = daily_rows(facts);
  CHECK(daily_of(rows, "Training Loss").target == "<1.8");
  CHECK(daily_of(rows, "Training Loss").status == "✗");
  CHECK(daily_of(rows, "Throughput").status == "✓");
  CHECK(daily_of(rows, "Sync Variance").current == "0.2500");
  CHECK(daily_report(facts).find("- Target: stage 2, loss < 1.8") != std::string::npos);
}

TEST_CASE("facts come from the files of the newest run and of the reports, and damage is passed over") {
  const auto data = fs::temp_directory_path() / ("mendel-report-" + std::to_string(::getpid()));
  write(data / "runs/a/metrics.jsonl", "{\"stage\":\"stage_1\",\"step\":196,\"loss\":2.4}\nnot json\n{\"stage\":\"stage_2\",\"step\":7,\"loss\":2.1,\"samples\":900}\n{\"sta");
  write(data / "runs/a/summary.json", "{}");
  write(data / "reports/benchmark_report.json", R"({"sources":{"all":{"bugs":{"always":{"exact":{"share":0.5}}}}}})");
  write(data / "models/m/model.safetensors", "x");
  write(data / "dataset/manifest.json", "{");
  const auto facts = gather_report(data, std::nullopt, std::nullopt, {});
  CHECK(facts.stages.at(1).loss == doctest::Approx(2.4));
  CHECK(facts.stages.at(2).step == 7);
  CHECK(facts.training.at("training_samples") == 900);
  CHECK(facts.run_finished);
  CHECK(*facts.accuracy == doctest::Approx(0.5));
  CHECK(facts.exported == 1);
  CHECK_FALSE(facts.rows);
  CHECK_FALSE(facts.days);
  CHECK(facts.seconds >= 0.25);
  fs::remove_all(data);
}
