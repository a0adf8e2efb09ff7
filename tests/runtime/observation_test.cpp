// What watches a process: health, logs, redaction, the machine's load, and the table of metrics with its page of docs.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "actors/runtime/process_health.hpp"
#include "actors/runtime/host_probe.hpp"
#include "actors/runtime/metrics_table.hpp"
#include "actors/runtime/plant_log.hpp"
#include "actors/runtime/redacted.hpp"
#include "actors/runtime/stages.hpp"
#include "tests/storage/samples.hpp"

using namespace mendel;
using namespace mendel::runtime;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

using storage::samples::Folder;

std::string text_of(const fs::path& path) {
  std::ifstream file(path);
  std::stringstream out;
  out << file.rdbuf();
  return out.str();
}

void write(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream(path) << text;
}

WorkResult result_of(Stage::Value stage, const std::string& error = {}) {
  WorkResult out;
  out.set_item_id(std::string(16, '\x2a'));
  out.set_stage(stage);
  out.set_error(error);
  return out;
}

// A view in which everything has a value.
PlantView full_view() {
  PlantView view;
  view.status.set_phase("train");
  view.status.set_eta_s(30);
  for (const auto& row : stages()) {
    view.status.add_stages()->set_stage(row.name);
    view.retries[row.name] = 2;
  }
  view.status.add_nodes()->set_name("collector-1");
  (*view.status.mutable_funnel())["mutate.pairs"] = 5;
  (*view.status.mutable_funnel())["mutate.pairs.off_by_one"] = 5;
  (*view.status.mutable_funnel())["rejected:validate:not_local"] = 3;
  for (const char* name : {"training_stage", "training_step", "training_steps", "training_samples", "training_loss", "training_minutes", "training_minutes_total",
                           "training_samples_per_s", "training_exact_always", "training_exact_at_5", "training_exact_at_10", "training_exact_at_20", "training_sync_variance"})
    view.training[name] = 0.5;
  return view;
}

std::vector<prometheus::MetricFamily> full_collection(const Folder& folder) {
  const auto probe = std::make_shared<NodeProbe>();
  auto rejected = result_of(Stage::mutate);
  rejected.add_rejections()->set_reason("too_large");
  probe->finished(rejected, 0.02, false);
  write(folder.path / "sys/class/drm/card0/device/gpu_busy_percent", "75\n");
  static TransportCounters wire;
  return collect_metrics({"here", probe, std::make_shared<ProcessHealth>(1s), [] { return &wire; }, {"/proc", folder.path / "sys", folder.path}}, std::make_unique<PlantView>(full_view()).get());
}

}  // namespace

TEST_CASE("a process is well until its actors have not answered for the given time") {
  const ProcessHealth::Time start{};
  ProcessHealth health(1000ms, start);
  CHECK(health.look(start).well);
  CHECK_FALSE(health.look(start).ready);
  health.set_ready("works");
  CHECK(health.look(start + 999ms).ready);
  CHECK_FALSE(health.look(start + 1000ms).well);
  CHECK_FALSE(health.look(start + 1000ms).ready);  // who is not well is not ready
  health.beat(start + 1000ms);
  CHECK(health.look(start + 1999ms).ready);
}

TEST_CASE("secrets are taken out of texts, the rest stays as it is") {
  CHECK(redacted("https://ada:hunter2@example.org/x.git failed") == "https://***@example.org/x.git failed");
  CHECK(redacted("curl: ghp_0123456789abcdefABCDEF refused") == "curl: *** refused");
  CHECK(redacted("Authorization: Bearer abc.def-ghi and more") == "Authorization: Bearer *** and more");
  CHECK(redacted("?page=2&token=s3cret&x=1") == "?page=2&token=***&x=1");
  for (const char* plain : {"", ":", "://", "https://example.org/a@b", "a token is missing", "ghp_short", "x = my_ghp_0123456789abcdefABCDEF"}) CHECK(redacted(plain) == plain);
}

TEST_CASE("an item's line lies in its stage's file with its trace, and a failure is a warning") {
  const Folder folder;
  PlantLog log(folder.path, {});
  auto good = result_of(Stage::validate);
  good.add_proofs();
  log.result(good, "a", 0.25);
  log.result(result_of(Stage::mutate, "token=abc did not help"), "a", -1);
  CHECK(std::regex_search(text_of(folder.path / "processing/validation.log"),
                          std::regex("^\\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z info trace=(2a){16} stage=validate node=a seconds=0.250 proofs=1\n$")));
  const auto failed = text_of(folder.path / "collection/synthetic.log");
  CHECK(failed.find(" warning trace=") != std::string::npos);
  CHECK(failed.find("error=\"token=*** did not help\"") != std::string::npos);
}

TEST_CASE("with log.json a line is one object") {
  const Folder folder;
  Config config;
  config.mutable_log()->set_json(true);
  PlantLog(folder.path, config).say(LogLevel::info, "node \"a\" joins\n\xff");
  const auto line = text_of(folder.path / "plant.log");
  CHECK(line.starts_with("{\"time\":\"2"));
  CHECK(line.find("\"level\":\"info\",\"text\":\"node \\\"a\\\" joins\\n\xEF\xBF\xBD\"}\n") != std::string::npos);
}

TEST_CASE("lines below log.level are not written, and a log that grows is put aside") {
  const Folder folder;
  Config config;
  config.mutable_log()->set_level("warning");
  config.mutable_log()->set_file_mib_max(1);
  config.mutable_log()->set_files_max(1);
  PlantLog log(folder.path, config);
  log.say(LogLevel::info, "nobody asked");
  CHECK_FALSE(fs::exists(folder.path / "plant.log"));
  for (int i = 0; i < 2500; ++i) log.say(LogLevel::warning, std::string(1000, 'x'));
  CHECK(fs::exists(folder.path / "plant.1.log"));
  CHECK_FALSE(fs::exists(folder.path / "plant.2.log"));
  CHECK(fs::file_size(folder.path / "plant.log") <= (1u << 20));
}

TEST_CASE("a folder that cannot be written to loses lines, not the process") {
  const Folder folder;
  write(folder.path / "logs", "a file stands where the folder should be");
  PlantLog log(folder.path / "logs", {});
  log.say(LogLevel::error, "lost");
  CHECK(fs::is_regular_file(folder.path / "logs"));
}

TEST_CASE("every log file is one of the tree that operators know") {
  CHECK(path_of(log_file_of(Stage::mine_git), 1) == "collection/github.log");
  CHECK(path_of(log_file_of(Stage::mutate), 1) == "collection/synthetic.log");
  CHECK(path_of(log_file_of(Stage::encode), 1) == "processing/encoding.log");
  CHECK(path_of(LogFile::training, 3) == "training/stage_3.log");
  for (const auto& row : stages()) CHECK(log_file_of(row.stage) != LogFile::plant);
}

TEST_CASE("the machine's load comes from the kernel's files, and what is not there is zero") {
  const Folder folder;
  write(folder.path / "proc/stat", "cpu  100 0 50 1000 50 0 0 0\ncpu0 1 1 1 1\ncpu1 1 1 1 1\nbtime 1700000000\n");
  write(folder.path / "proc/meminfo", "MemTotal:  2048 kB\nMemFree:  1 kB\nMemAvailable:  1024 kB\n");
  write(folder.path / "proc/diskstats", "8 0 sda 1 1 10 1 1 1 20 1\n8 1 sda1 1 1 5 1 1 1 5 1\n");
  fs::create_directories(folder.path / "sys/block/sda/device");
  write(folder.path / "sys/class/drm/card0/device/gpu_busy_percent", "75\n");
  write(folder.path / "sys/class/drm/card0/device/mem_info_vram_used", "300\n");
  write(folder.path / "sys/class/drm/card0/device/mem_info_vram_total", "1000\n");
  const auto sample = sample_host({folder.path / "proc", folder.path / "sys", folder.path});
  CHECK(sample.cores == 2);
  CHECK(sample.cpu_busy_s == doctest::Approx(1.5));
  CHECK(sample.cpu_idle_s == doctest::Approx(10.5));
  CHECK(sample.memory_available == 1024u << 10);
  CHECK(sample.disk_read == 5120);
  CHECK(sample.disk_written == 10240);
  REQUIRE(sample.gpus.size() >= 1);
  CHECK(sample.gpus[0].busy == doctest::Approx(0.75));
  CHECK(sample.gpus[0].memory_used == 300);
  CHECK(sample.own_resident > 0);
  CHECK(sample.data_free > 0);
  const auto nothing = sample_host({folder.path / "none", folder.path / "none", {}});
  CHECK(nothing.cores == 0);
  CHECK(nothing.data_total == 0);
}

TEST_CASE("docs/metrics.md has every metric that is served, and no other") {
  const Folder folder;
  std::set<std::string> served, documented;
  for (const auto& family : full_collection(folder)) {
    CAPTURE(family.name);
    CHECK(served.insert(family.name).second);
    CHECK(family.help.ends_with("."));
    CHECK((family.type == prometheus::MetricType::Counter) == family.name.ends_with("_total"));
  }
  const auto page = text_of(fs::path(MENDEL_SOURCE) / "docs/metrics.md");
  const std::regex name("`((?:mendel|process)_[a-z0-9_]+)`");
  for (std::sregex_iterator at(page.begin(), page.end(), name), end; at != end; ++at) documented.insert((*at)[1]);
  CHECK(served == documented);
}

TEST_CASE("reasons beyond the bound are counted together") {
  NodeProbe probe;
  for (int n = 0; n < 200; ++n) {
    auto result = result_of(Stage::lint);
    result.add_rejections()->set_reason("reason-" + std::to_string(n));
    probe.finished(result, 0, false);
  }
  const auto counted = probe.counts().at(Stage::lint).rejections;
  CHECK(counted.size() == NodeProbe::kReasonsMax + 1);
  CHECK(counted.at("other") == 200 - NodeProbe::kReasonsMax);
}

TEST_CASE("the histogram is cumulative and its last bucket holds all") {
  const auto probe = std::make_shared<NodeProbe>();
  for (const double seconds : {0.0005, 0.001, 0.002, 5000.0}) probe->finished(result_of(Stage::mutate), seconds, false);
  for (const auto& family : collect_metrics({"here", probe, nullptr, {}, {}}, nullptr)) {
    if (family.name != "mendel_stage_seconds") continue;
    const auto mutate = std::find_if(family.metric.begin(), family.metric.end(), [](const auto& metric) { return metric.label[0].value == "mutate"; });
    REQUIRE(mutate != family.metric.end());
    const auto& histogram = mutate->histogram;
    CHECK(histogram.bucket.front().cumulative_count == 2);  // a bound belongs to its bucket
    CHECK(histogram.bucket[1].cumulative_count == 3);
    CHECK(histogram.bucket.back().cumulative_count == 4);
    CHECK(histogram.sample_count == 4);
  }
}
