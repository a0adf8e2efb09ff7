// Asks the API of GitHub for one address at a time: by the cache, the budget and the rules of
// github_answers. Network, clock and sleep are handed in.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "actors/miner/github_answers.hpp"
#include "actors/miner/github_budget.hpp"
#include "actors/miner/github_cache.hpp"
#include "actors/miner/github_tokens.hpp"
#include "proto/config.pb.h"

namespace mendel::miner {

struct GithubPorts {
  HttpGet get;
  std::function<std::int64_t()> now_ms;  // since 1970
  std::function<bool(std::int64_t until_ms)> sleep_until;  // false: asked to stop
  std::function<void(const std::string&)> tell;  // one line for people
};

struct GithubPage {
  std::string reason;  // "ok", or of the rule that says why there is no body
  std::string detail;
  std::string body, next;
};

struct GithubCounts {
  std::uint64_t requests = 0;  // that went out
  std::uint64_t cached = 0;  // answered from disk without asking
  std::uint64_t unchanged = 0;  // 304
  std::uint64_t limited = 0;  // limits met
  std::uint64_t failures = 0;  // requests that the rules or the network call failed
  std::int64_t waited_ms = 0;
  double error_share() const { return requests == 0 ? 0 : static_cast<double>(failures) / static_cast<double>(requests); }
};

// Not thread-safe. Tokens, budget and ports must outlive it. Jitter comes from the seed.
class GithubClient {
 public:
  GithubClient(const Config& config, std::span<const GithubToken> tokens, GithubBudget& budget, GithubCache cache, GithubPorts ports);

  // Blocks as long as limits ask. An Error stops the whole source: unavailable (every token refused, too
  // long a wait, too many failures, requests used up), interrupted, io_error (cache).
  Result<GithubPage> get(const std::string& url, GithubResource resource);

  const GithubCounts& counts() const { return counts_; }

 private:
  struct Attempt {
    std::string url;
    GithubResource resource = GithubResource::core;
    std::uint32_t failed = 0;  // of this address, so far
    std::uint32_t redirects = 0;
    std::string stale_etag, asked;  // asked: the address that the caller named
  };
  struct Step {  // what one round of asking came to
    bool finished = false;
    GithubPage page;
  };
  Result<std::size_t> turn(GithubResource resource);
  Result<Step> ask(Attempt& attempt);
  void learn(const AnswerRule& rule, const HttpAnswer& answer, std::size_t token, GithubResource resource);
  Result<Step> obey(const AnswerRule& rule, const HttpAnswer& answer, std::size_t token, Attempt& attempt);
  Result<Step> redirect(const AnswerRule& rule, const HttpAnswer& answer, Attempt& attempt);
  Result<Step> refresh(const Attempt& attempt);
  Result<Step> wait_and_retry(std::int64_t wait_ms, std::size_t token, std::optional<GithubResource> held, Attempt& attempt, const char* reason);
  Result<Step> fail(const char* reason, std::string detail, Attempt& attempt);
  Result<Step> leave(const char* reason, std::string detail, const Attempt& attempt);
  Outcome check_failures() const;
  Outcome keep(CachedAnswer answer);
  bool sleep_until(std::int64_t until_ms);
  std::int64_t doubled(std::uint32_t times, std::uint32_t first_ms, std::string_view url) const;

  const Config& config_;
  std::span<const GithubToken> tokens_;
  GithubBudget& budget_;
  GithubCache cache_;
  GithubPorts ports_;
  GithubCounts counts_;
};

}  // namespace mendel::miner
