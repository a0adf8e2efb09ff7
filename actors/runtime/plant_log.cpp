// spdlog rotates and writes; the lines are ours.
#include "actors/runtime/plant_log.hpp"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>

#include "actors/runtime/redacted.hpp"
#include "actors/runtime/stages.hpp"
#include "proto/ids.hpp"

namespace mendel::runtime {
namespace {

namespace fs = std::filesystem;

struct FileRow {
  LogFile file;
  const char* path;
};
constexpr FileRow kFiles[] = {
    {LogFile::plant, "plant.log"},
    {LogFile::github, "collection/github.log"},
    {LogFile::stackoverflow, "collection/stackoverflow.log"},
    {LogFile::synthetic, "collection/synthetic.log"},
    {LogFile::linters, "collection/linters.log"},
    {LogFile::tokenization, "processing/tokenization.log"},
    {LogFile::validation, "processing/validation.log"},
    {LogFile::encoding, "processing/encoding.log"},
    {LogFile::training, "training/stage_"},
    {LogFile::benchmark, "evaluation/benchmark.log"},
    {LogFile::analysis, "evaluation/analysis.log"},
};

struct StageFileRow {
  const char* stage;
  LogFile file;
};
constexpr StageFileRow kStageFiles[] = {
    {"mine", LogFile::github},         {"mine_github", LogFile::github}, {"mine_release", LogFile::github}, {"mine_stackoverflow", LogFile::stackoverflow},
    {"mutate", LogFile::synthetic},    {"lint", LogFile::linters},       {"validate", LogFile::validation}, {"test", LogFile::validation},
    {"encode", LogFile::encoding},     {"train", LogFile::training},
};

constexpr const char* kLevels[] = {"debug", "info", "warning", "error"};
constexpr std::size_t kValueBytesMax = 2000;

LogLevel level_of(const std::string& word) {
  const auto* at = std::find(std::begin(kLevels), std::end(kLevels), word);
  return at == std::end(kLevels) ? LogLevel::info : static_cast<LogLevel>(at - std::begin(kLevels));
}

std::string quoted(const std::string& value) {
  const bool plain = !value.empty() && std::all_of(value.begin(), value.end(), [](char c) { return c > ' ' && c != '"' && c != '='; });
  return plain ? value : nlohmann::json(value).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string line_of(const char* level, const std::vector<LogField>& fields, bool json) {
  if (json) {
    nlohmann::ordered_json out;
    out["level"] = level;
    for (const auto& field : fields) out[std::string(field.name)] = redacted(field.value.substr(0, kValueBytesMax));
    return out.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).substr(1);  // the pattern opens the object with the time
  }
  std::string out = level;
  for (const auto& field : fields) out += " " + std::string(field.name) + "=" + quoted(redacted(field.value.substr(0, kValueBytesMax)));
  return out;
}

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3f", value);
  return text;
}

}  // namespace

struct PlantLog::Files {
  std::map<std::string, std::shared_ptr<spdlog::logger>> open;
};

PlantLog::PlantLog(fs::path folder, const Config& config)
    : folder_(std::move(folder)),
      least_(level_of(config.log().level())),
      json_(config.log().json()),
      bytes_max_(std::size_t{config.log().file_mib_max()} << 20),
      files_max_(config.log().files_max()),
      files_(std::make_unique<Files>()) {}

PlantLog::~PlantLog() = default;

void PlantLog::write(LogFile file, LogLevel level, const std::vector<LogField>& fields, std::uint32_t stage) {
  if (level < least_) return;
  const auto line = line_of(kLevels[static_cast<std::size_t>(level)], fields, json_);
  const std::lock_guard lock(mutex_);
  const auto path = path_of(file, stage);
  auto& logger = files_->open[path];
  try {
    if (!logger) {
      auto sink = std::make_shared<spdlog::sinks::rotating_file_sink_st>((folder_ / path).string(), bytes_max_, files_max_);
      sink->set_formatter(std::make_unique<spdlog::pattern_formatter>(json_ ? R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ",%v)" : "%Y-%m-%dT%H:%M:%S.%eZ %v",
                                                                      spdlog::pattern_time_type::utc));
      logger = std::make_shared<spdlog::logger>(path, std::move(sink));
      logger->flush_on(spdlog::level::trace);
      logger->set_error_handler([](const std::string&) {});
    }
    logger->log(spdlog::level::info, spdlog::string_view_t(line));
  } catch (const std::exception&) {
    // The folder cannot be written to; the plant's own writes will say so where it matters.
  }
}

void PlantLog::result(const WorkResult& result, std::string_view node, double seconds) {
  const auto id = ItemId::from_bytes(result.item_id());
  std::vector<LogField> fields = {{"trace", id ? id->hex() : std::string("none")}, {"stage", stage_name(result.stage())},
                                  {"node", std::string(node)}};
  if (seconds >= 0) fields.push_back({"seconds", number(seconds)});
  const std::pair<const char*, int> counts[] = {
      {"pairs", result.pairs_size()}, {"proofs", result.proofs_size()}, {"rows", result.rows_size()}, {"rejections", result.rejections_size()}};
  for (const auto& [name, count] : counts)
    if (count > 0) fields.push_back({name, std::to_string(count)});
  if (!result.error().empty()) fields.push_back({"error", result.error()});
  write(log_file_of(result.stage()), result.error().empty() ? LogLevel::info : LogLevel::warning, fields);
}

LogFile log_file_of(Stage::Value stage) {
  const std::string_view name = stage_name(stage);
  const auto* row = std::find_if(std::begin(kStageFiles), std::end(kStageFiles), [&](const auto& r) { return name == r.stage; });
  return row == std::end(kStageFiles) ? LogFile::plant : row->file;
}

std::string path_of(LogFile file, std::uint32_t stage) {
  const auto* row = std::find_if(std::begin(kFiles), std::end(kFiles), [&](const auto& r) { return r.file == file; });
  return file == LogFile::training ? row->path + std::to_string(stage) + ".log" : row->path;
}

}  // namespace mendel::runtime
