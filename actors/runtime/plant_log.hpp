// The plant's log files: one line a finished item, failure or event, in a fixed tree below DATA/logs:
//
//   plant.log                            what the processes do: start, joins, phases, stop
//   collection/{github,stackoverflow,synthetic,linters}.log
//   processing/{tokenization,validation,encoding}.log
//   training/stage_N.log                 as the trainer reports it (the run has the full log of each step)
//   evaluation/{benchmark,analysis}.log
//
// A line is time, level, then key=value fields, or one JSON object (log.json). `trace` is the id of the
// work item: the same on the node that runs it and on the coordinator that stores its result.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "proto/config.pb.h"
#include "proto/result.hpp"
#include "proto/work.pb.h"

namespace mendel::runtime {

enum class LogLevel { debug, info, warning, error };

enum class LogFile { plant, github, stackoverflow, synthetic, linters, tokenization, validation, encoding, training, benchmark, analysis };

struct LogField {
  std::string_view name;
  std::string value;
};

// Thread-safe. Files are opened when first written to, and put aside when they grow past log.file_mib_max;
// secrets are taken out (redacted.hpp). A disk that is full loses lines, never the process.
class PlantLog {
 public:
  PlantLog(std::filesystem::path folder, const Config& config);
  ~PlantLog();

  // `stage` numbers the training log; no other file has one.
  void write(LogFile file, LogLevel level, const std::vector<LogField>& fields, std::uint32_t stage = 1);
  // One line of people's words in plant.log.
  void say(LogLevel level, std::string_view text) { write(LogFile::plant, level, {{"text", std::string(text)}}); }
  // What became of an attempt at an item: info, or warning if it failed. `seconds` < 0: not known here.
  void result(const WorkResult& result, std::string_view node, double seconds);

  const std::filesystem::path& folder() const { return folder_; }

 private:
  struct Files;
  const std::filesystem::path folder_;
  const LogLevel least_;
  const bool json_;
  const std::size_t bytes_max_, files_max_;
  std::mutex mutex_;
  std::unique_ptr<Files> files_;
};

// Where a stage's items are logged.
LogFile log_file_of(Stage::Value stage);
// Path below the folder, e.g. "processing/validation.log".
std::string path_of(LogFile file, std::uint32_t stage);

}  // namespace mendel::runtime
