// The clock is the system's, because resets and dates are of the calendar; sleeping looks at the stop.
#include "actors/runtime/github_source.hpp"

#include <sys/prctl.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "actors/miner/git_plan.hpp"
#include "actors/runtime/http.hpp"

namespace mendel::runtime {
namespace {

using miner::GithubBudget;
using miner::GithubClient;
using miner::GithubToken;

constexpr std::string_view kPublicApi = "https://api.github.com";
constexpr std::int64_t kLookMs = 100;
constexpr std::uint32_t kAnonymousShare = 3;  // of the searches that a token may ask

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

bool sleep_until(std::int64_t until_ms, const std::function<bool()>& stopped) {
  for (auto left = until_ms - now_ms(); left > 0; left = until_ms - now_ms()) {
    if (stopped()) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(std::min(left, kLookMs)));
  }
  return !stopped();
}

Result<std::vector<GithubToken>> tokens_of(const Config& config) {
  const auto& files = config.sources().github().token_files();
  const char* credentials = std::getenv("CREDENTIALS_DIRECTORY");
  auto tokens = miner::read_tokens(std::vector<std::string>(files.begin(), files.end()), credentials == nullptr ? "" : credentials);
  if (tokens && !tokens->empty()) prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  return tokens;
}

miner::GithubRates rates_of(const Config& config, bool anonymous) {
  const auto searches = config.github().searches_per_minute();
  return {config.github().points_per_minute(), anonymous ? std::max(1u, searches / kAnonymousShare) : searches};
}

}  // namespace

bool wants_github(const Config& config) {
  const auto& source = config.sources().github();
  return source.queries_size() + source.repositories_size() + source.priority_size() > 0;
}

Result<GithubReport> ask_github(const Config& config, const std::filesystem::path& cache, const std::function<bool()>& stopped,
                                const std::function<void(const std::string&)>& tell) {
  const auto& api = config.sources().github().api();
  auto web = miner::web_address(api);
  if (!web) return web.error();
  const auto tokens = tokens_of(config);
  if (!tokens) return tokens.error();
  HttpLimits limits;
  limits.timeout_ms = config.github().timeout_ms();
  limits.body_bytes_max = std::size_t{config.github().body_mib_max()} << 20;
  limits.private_addresses = !std::string_view(api).starts_with(kPublicApi);
  auto http = HttpClient::start(limits, stopped);
  if (!http) return http.error();
  GithubBudget budget(tokens->size(), rates_of(config, tokens->empty()));
  miner::GithubPorts ports;
  ports.get = [&](const miner::HttpRequest& request) { return (*http)->get(request); };
  ports.now_ms = now_ms;
  ports.sleep_until = [&](std::int64_t until_ms) { return sleep_until(until_ms, stopped); };
  ports.tell = tell;
  GithubClient client(config, *tokens, budget, miner::GithubCache(cache), std::move(ports));
  auto discovery = miner::discover(client, config, now_ms(), tell);
  if (!discovery) return Error{discovery.error().code, "sources.github: " + miner::without_tokens(discovery.error().what, *tokens)};
  return GithubReport{std::move(*discovery), client.counts(), *web};
}

std::string describe(const GithubReport& report) {
  const auto& counts = report.counts;
  const auto& searches = report.discovery.searches;
  char line[320];
  std::snprintf(line, sizeof line,
                "github: %zu of %llu repositories taken; %llu searches (%llu windows cut, %llu incomplete); %llu requests, %llu answers from disk, %llu unchanged, "
                "%llu limits met (%lld s waited), error rate %.1f %%",
                report.discovery.repositories.size(), static_cast<unsigned long long>(report.discovery.found),
                static_cast<unsigned long long>(searches.windows), static_cast<unsigned long long>(searches.cut),
                static_cast<unsigned long long>(searches.incomplete + searches.truncated), static_cast<unsigned long long>(counts.requests),
                static_cast<unsigned long long>(counts.cached), static_cast<unsigned long long>(counts.unchanged),
                static_cast<unsigned long long>(counts.limited), static_cast<long long>(counts.waited_ms / 1000), counts.error_share() * 100);
  return line;
}

Result<std::vector<WorkItem>> github_items(const miner::GithubRepository& repository, const std::string& web, const Config& config) {
  const auto address = web + "/" + repository.name;
  auto pieces = miner::plan(address, config);
  if (!pieces) return pieces.error();
  std::vector<WorkItem> out;
  for (auto& commits : *pieces) {
    auto& item = out.emplace_back();
    item.set_stage(Stage::mine_github);
    auto& input = *item.mutable_mine_github();
    input.mutable_history()->set_repository(address);
    input.mutable_history()->mutable_commits()->Assign(commits.begin(), commits.end());
    input.set_license(repository.license);
    input.set_fork_of(repository.fork_of);
  }
  return out;
}

}  // namespace mendel::runtime
