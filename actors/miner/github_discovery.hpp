// Which repositories of GitHub are mined: those named first, then what the searches find; each once, by
// priority, then stars, then id.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "actors/miner/github_search.hpp"
#include "proto/work.pb.h"

namespace mendel::miner {

struct GithubDiscovery {
  std::vector<GithubRepository> repositories;  // in the order in which they are mined
  std::vector<Rejection> left_out;  // subject OWNER/NAME; reasons: see left_out_reasons
  std::uint64_t found = 0;  // different repositories seen
  SearchSummary searches;
};

struct LeftOutReason {
  const char* word;
  const char* description;
};
std::span<const LeftOutReason> left_out_reasons();

// `progress` hears how many different repositories are known and how many searches are done. Errors: invalid_input names a wrong key of
// sources.github; else as GithubClient::get.
Result<GithubDiscovery> discover(GithubClient& client, const Config& config, std::int64_t now_ms, const std::function<void(const std::string&)>& progress);

// Where the repositories of an API lie: https://api.github.com → https://github.com, https://HOST/api/v3 →
// https://HOST. invalid_input for what is neither https nor plain http on a loopback address.
Result<std::string> web_address(const std::string& api);

}  // namespace mendel::miner
