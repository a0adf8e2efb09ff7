// The GitHub source of a plant or of one run: tokens, cache, network and clock put together for the rules
// of actors/miner/github_*.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "actors/miner/github_discovery.hpp"
#include "proto/config.pb.h"
#include "proto/result.hpp"

namespace mendel::runtime {

struct GithubReport {
  miner::GithubDiscovery discovery;
  miner::GithubCounts counts;
  std::string web;  // the repositories lie at WEB/OWNER/NAME
};

bool wants_github(const Config& config);

// Blocks as long as the limits ask. Answers are kept below `cache`. While tokens are held this process
// leaves no core dump and lets nobody attach. Errors: as miner::discover, and those of the tokens.
Result<GithubReport> ask_github(const Config& config, const std::filesystem::path& cache, const std::function<bool()>& stopped,
                                const std::function<void(const std::string&)>& tell);

// Requests, error rate and what was found, in one line.
std::string describe(const GithubReport& report);

// The items of one repository, cloned first if need be. Errors as of miner::plan.
Result<std::vector<WorkItem>> github_items(const miner::GithubRepository& repository, const std::string& web, const Config& config);

}  // namespace mendel::runtime
