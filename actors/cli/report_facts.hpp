// What `mendel report` tells, gathered from a running plant and from the files that a plant leaves. Every
// number is one that was counted or measured; what has none is absent.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "actors/runtime/host_probe.hpp"
#include "proto/wire.pb.h"

namespace mendel::cli {

struct StageOfTraining {
  double step = 0, loss = 0;  // newest
};

struct ReportFacts {
  bool running = false;
  Status status;  // of the running plant, else what its store says; empty if there is none
  std::map<std::string, std::uint64_t> funnel;  // of the plan, else of the finished dataset
  std::optional<std::uint64_t> vocabulary, rows;  // of the finished dataset
  std::map<int, StageOfTraining> stages;  // curriculum of the newest run, by number
  std::string run;  // newest run's name; empty: none
  bool run_finished = false;
  std::map<std::string, double> training;  // the trainer's newest samples, while it trains; else the run's last step
  std::optional<double> accuracy;  // exact repairs of all test bugs, of the newest benchmark report
  bool analysed = false, fine_tuned = false;
  std::uint64_t exported = 0;  // models with weights in models/
  std::optional<double> days;  // since the plant's store was made
  runtime::HostSample before, after;  // of this machine, `seconds` apart
  double seconds = 0;
};

// Reads what lies below `data`; `status` is that of the running plant, if one runs. What is not there or cannot
// be read is absent. Blocks for the quarter of a second that the machine's load is measured over.
ReportFacts gather_report(const std::filesystem::path& data, std::optional<Status> running, std::optional<Status> stored,
                          const runtime::HostFolders& host);

}  // namespace mendel::cli
