// Files and status to facts.
#include "actors/cli/report_facts.hpp"

#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "storage/dataset_manifest.hpp"

namespace mendel::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
constexpr std::chrono::milliseconds kMeasured{250};
constexpr double kSecondsPerDay = 86400;

Json read_json(const fs::path& path) {
  std::ifstream file(path);
  return file ? Json::parse(file, nullptr, false) : Json();
}

double number(const Json& object, const char* name) { return object.contains(name) && object[name].is_number() ? object[name].get<double>() : 0; }

// "stage_3" or "3" → 3; 0 for runs without a curriculum.
int stage_number(const Json& line) {
  if (!line.contains("stage")) return 0;
  const auto& stage = line["stage"];
  if (stage.is_number_integer()) return stage.get<int>();
  if (!stage.is_string()) return 0;
  const auto text = stage.get<std::string>();
  return !text.empty() && text.back() >= '1' && text.back() <= '9' ? text.back() - '0' : 0;
}

void read_dataset(const fs::path& data, ReportFacts& facts) {
  const auto manifest = storage::Manifest::read(data / "dataset");
  if (!manifest) return;
  facts.vocabulary = manifest->vocabulary;
  facts.rows = 0;
  for (const auto& counts : manifest->counts) *facts.rows += counts.rows;
  const auto parsed = Json::parse(manifest->text, nullptr, false);
  if (!facts.funnel.empty() || !parsed.is_object() || !parsed.contains("funnel") || !parsed["funnel"].is_object()) return;
  for (const auto& [name, count] : parsed["funnel"].items())
    if (count.is_number_unsigned()) facts.funnel[name] = count.get<std::uint64_t>();
}

std::optional<fs::path> newest_run(const fs::path& runs) {
  std::optional<fs::path> newest;
  fs::file_time_type when;
  std::error_code error;
  for (fs::directory_iterator at(runs, error), end; !error && at != end; at.increment(error)) {
    const auto written = fs::last_write_time(at->path() / "metrics.jsonl", error);
    if (error) {
      error.clear();
      continue;
    }
    if (!newest || written > when) newest = at->path(), when = written;
  }
  return newest;
}

void read_run(const fs::path& data, ReportFacts& facts) {
  const auto run = newest_run(data / "runs");
  if (!run) return;
  facts.run = run->filename().string();
  facts.run_finished = fs::exists(*run / "summary.json");
  std::ifstream file(*run / "metrics.jsonl");
  std::map<std::string, double> last;
  for (std::string text; std::getline(file, text);) {
    const auto line = Json::parse(text, nullptr, false);
    if (!line.is_object()) continue;
    if (const int stage = stage_number(line); stage > 0) facts.stages[stage] = {number(line, "step"), number(line, "loss")};
    for (const auto& [name, value] : line.items())
      if (value.is_number()) last["training_" + name] = value.get<double>();
  }
  if (facts.training.empty()) facts.training = std::move(last);
}

void read_reports(const fs::path& data, ReportFacts& facts) {
  const auto report = read_json(data / "reports" / "benchmark_report.json");
  const auto at = Json::json_pointer("/sources/all/bugs/always/exact/share");
  if (report.is_object() && report.contains(at) && report[at].is_number()) facts.accuracy = report[at].get<double>();
  facts.analysed = fs::exists(data / "reports" / "error_analysis_report.md");
  std::error_code error;
  for (fs::directory_iterator folder(data / "models", error), end; !error && folder != end; folder.increment(error))
    facts.exported += fs::exists(folder->path() / "model.safetensors") ? 1 : 0;
  error.clear();
  for (fs::directory_iterator folder(data / "runs", error), end; !error && folder != end; folder.increment(error))
    facts.fine_tuned = facts.fine_tuned || folder->path().filename().string().starts_with("finetune");
}

}  // namespace

ReportFacts gather_report(const fs::path& data, std::optional<Status> running, std::optional<Status> stored, const runtime::HostFolders& host) {
  ReportFacts facts;
  facts.before = runtime::sample_host(host);
  const auto begun = std::chrono::steady_clock::now();
  facts.running = running.has_value();
  if (running) facts.status = std::move(*running);
  else if (stored) facts.status = std::move(*stored);
  for (const auto& [name, count] : facts.status.funnel()) facts.funnel[name] = count;
  if (const auto samples = Json::parse(facts.status.training_json(), nullptr, false); samples.is_object())
    for (const auto& [name, value] : samples.items())
      if (value.is_number()) facts.training[name] = value.get<double>();
  read_dataset(data, facts);
  read_run(data, facts);
  read_reports(data, facts);
  std::error_code error;
  const auto made = fs::last_write_time(data / "store" / "IDENTITY", error);
  if (!error) facts.days = std::chrono::duration<double>(fs::file_time_type::clock::now() - made).count() / kSecondsPerDay;
  std::this_thread::sleep_until(begun + kMeasured);
  facts.after = runtime::sample_host(host);
  facts.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  return facts;
}

}  // namespace mendel::cli
