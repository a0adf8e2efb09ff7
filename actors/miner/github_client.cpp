// A loop of rounds: each round asks once and is then finished, or goes on with a changed attempt.
#include "actors/miner/github_client.hpp"

#include <algorithm>

#include "proto/ids.hpp"

namespace mendel::miner {
namespace {

constexpr std::uint32_t kRedirectsMax = 5;
constexpr std::uint64_t kFailuresCountFrom = 20;  // requests; fewer say nothing about a share
constexpr std::int64_t kHourMs = 3'600'000;

Error stopped() { return {ErrorCode::interrupted, "interrupted; answers so far are on disk, run the same command again to go on"}; }

}  // namespace

GithubClient::GithubClient(const Config& config, std::span<const GithubToken> tokens, GithubBudget& budget, GithubCache cache, GithubPorts ports)
    : config_(config), tokens_(tokens), budget_(budget), cache_(std::move(cache)), ports_(std::move(ports)) {}

Result<GithubPage> GithubClient::get(const std::string& url, GithubResource resource) {
  Attempt attempt;
  attempt.url = attempt.asked = url;
  attempt.resource = resource;
  const auto fresh_ms = ports_.now_ms() - static_cast<std::int64_t>(config_.github().cache_h()) * kHourMs;
  for (;;) {
    const auto known = cache_.find(attempt.url);
    if (known && !known->moved_to.empty() && attempt.redirects++ < kRedirectsMax) {
      attempt.url = known->moved_to;
      continue;
    }
    if (known && known->moved_to.empty() && known->fetched_ms > fresh_ms) {
      ++counts_.cached;
      return GithubPage{known->reason, {}, known->body, known->next};
    }
    attempt.stale_etag = known ? known->etag : "";
    auto step = ask(attempt);
    if (!step) return step.error();
    if (step->finished) return std::move(step->page);
  }
}

Result<std::size_t> GithubClient::turn(GithubResource resource) {
  for (;;) {
    const auto turn = budget_.take(resource, ports_.now_ms());
    if (turn.kind == GithubBudget::Turn::Kind::go) return turn.token;
    if (turn.kind == GithubBudget::Turn::Kind::refused)
      return Error{ErrorCode::unavailable, "every token was refused (401); put a valid one into the file that sources.github.token_files names"};
    const auto wait_ms = turn.until_ms - ports_.now_ms();
    if (wait_ms > static_cast<std::int64_t>(config_.github().wait_s_max()) * 1000)
      return Error{ErrorCode::unavailable, "the limit of requests lasts another " + std::to_string(wait_ms / 1000) + " s, longer than github.wait_s_max; run the same command again later, it goes on"};
    if (!sleep_until(turn.until_ms)) return stopped();
  }
}

bool GithubClient::sleep_until(std::int64_t until_ms) {
  constexpr std::int64_t kWorthTellingMs = 10'000;
  const auto wait_ms = std::max<std::int64_t>(0, until_ms - ports_.now_ms());
  if (wait_ms >= kWorthTellingMs) ports_.tell("waiting " + std::to_string(wait_ms / 1000) + " s for the limit of requests");
  counts_.waited_ms += wait_ms;
  return ports_.sleep_until(until_ms);
}

Result<GithubClient::Step> GithubClient::ask(Attempt& attempt) {
  const auto most = config_.github().requests_max();
  if (most != 0 && counts_.requests >= most)
    return Error{ErrorCode::unavailable, "github.requests_max = " + std::to_string(most) + " requests are used up; run the same command again, it goes on"};
  const auto token = turn(attempt.resource);
  if (!token) return token.error();
  HttpRequest request;
  request.url = attempt.url;
  request.headers = {{"Accept", "application/vnd.github+json"}, {"X-GitHub-Api-Version", "2022-11-28"}};
  if (!attempt.stale_etag.empty()) request.headers.emplace_back("If-None-Match", attempt.stale_etag);
  if (!tokens_.empty()) request.bearer = &tokens_[*token].secret;
  ++counts_.requests;
  const auto answer = ports_.get(request);
  if (!answer) {
    if (answer.error().code == ErrorCode::interrupted) return stopped();
    ++counts_.failures;
    if (auto checked = check_failures(); !checked) return checked.error();
    if (answer.error().code != ErrorCode::io_error) return leave("refused", answer.error().what, attempt);
    return fail("no_answer", answer.error().what, attempt);
  }
  const auto& rule = rule_for(*answer);
  learn(rule, *answer, *token, attempt.resource);
  if (rule.failure) ++counts_.failures;
  if (auto checked = check_failures(); !checked) return checked.error();
  return obey(rule, *answer, *token, attempt);
}

// A limit that names its seconds outranks the hour's.
void GithubClient::learn(const AnswerRule& rule, const HttpAnswer& answer, std::size_t token, GithubResource resource) {
  constexpr std::uint64_t kSecondsMax = 1ull << 40;
  const auto remaining = number_header(answer, "x-ratelimit-remaining"), reset_s = number_header(answer, "x-ratelimit-reset");
  if (rule.action == AnswerAction::wait_as_told || !remaining || !reset_s || *reset_s > kSecondsMax) return;
  budget_.learn(token, resource, *remaining, static_cast<std::int64_t>(*reset_s) * 1000);
}

Outcome GithubClient::check_failures() const {
  if (counts_.requests < kFailuresCountFrom || counts_.error_share() <= config_.github().errors_share_max()) return Done{};
  return Error{ErrorCode::unavailable, std::to_string(counts_.failures) + " of " + std::to_string(counts_.requests) +
                                           " requests failed, more than github.errors_share_max; run the same command again later, it goes on"};
}

Result<GithubClient::Step> GithubClient::obey(const AnswerRule& rule, const HttpAnswer& answer, std::size_t token, Attempt& attempt) {
  const auto now = ports_.now_ms();
  const auto& limits = config_.github();
  switch (rule.action) {
    case AnswerAction::use: {
      GithubPage page{rule.reason, {}, answer.body, next_link(answer.header("link"))};
      if (!holds_token(answer.body, tokens_))
        if (auto kept = keep({attempt.url, now, rule.reason, answer.header("etag"), page.next, {}, page.body}); !kept) return kept.error();
      return Step{true, std::move(page)};
    }
    case AnswerAction::unchanged: return refresh(attempt);
    case AnswerAction::move:
    case AnswerAction::ask_there: return redirect(rule, answer, attempt);
    case AnswerAction::drop_token:
      if (tokens_.empty()) return leave(rule.reason, "the server wants a token; name a file with one in sources.github.token_files", attempt);
      budget_.refuse(token);
      ports_.tell("the token of " + tokens_[token].file + " was refused (401) and is not used any more");
      return Step{};
    case AnswerAction::wait_as_told: {
      const auto wait_ms = retry_after_s(answer, now).value_or(limits.backoff_ms() / 1000) * 1000;
      return wait_and_retry(wait_ms, token, std::nullopt, attempt, rule.reason);
    }
    case AnswerAction::wait_for_reset: {
      const auto reset_s = number_header(answer, "x-ratelimit-reset");
      const auto wait_ms = reset_s ? static_cast<std::int64_t>(std::min<std::uint64_t>(*reset_s, 1ull << 40)) * 1000 - now : std::int64_t{limits.backoff_ms()};
      return wait_and_retry(std::max<std::int64_t>(wait_ms, 0), token, attempt.resource, attempt, rule.reason);
    }
    case AnswerAction::wait_and_double:
      return wait_and_retry(doubled(attempt.failed, limits.backoff_ms(), attempt.url), token, std::nullopt, attempt, rule.reason);
    case AnswerAction::again: return fail(rule.reason, "status " + std::to_string(answer.status), attempt);
    case AnswerAction::leave: break;
  }
  return leave(rule.reason, without_tokens(message_of(answer), tokens_), attempt);
}

Result<GithubClient::Step> GithubClient::refresh(const Attempt& attempt) {
  auto known = cache_.find(attempt.url);
  if (!known) return leave("unexpected_status", "unchanged, but it was never asked for", attempt);
  ++counts_.unchanged;
  known->fetched_ms = ports_.now_ms();
  if (auto kept = keep(*known); !kept) return kept.error();
  return Step{true, {known->reason, {}, known->body, known->next}};
}

Result<GithubClient::Step> GithubClient::redirect(const AnswerRule& rule, const HttpAnswer& answer, Attempt& attempt) {
  const auto to = redirect_target(attempt.url, answer.header("location"));
  if (to.empty()) return leave("redirect_refused", "a redirect that leaves the API's address", attempt);
  if (++attempt.redirects > kRedirectsMax) return leave("redirect_refused", "too many redirects", attempt);
  if (rule.action == AnswerAction::move)
    if (auto kept = keep({attempt.url, ports_.now_ms(), rule.reason, {}, {}, to, {}}); !kept) return kept.error();
  attempt.url = to;
  return Step{};
}

// `held`: the limit that was met; nothing: one that counts for all.
Result<GithubClient::Step> GithubClient::wait_and_retry(std::int64_t wait_ms, std::size_t token, std::optional<GithubResource> held, Attempt& attempt,
                                                        const char* reason) {
  ++counts_.limited;
  budget_.hold(token, held, ports_.now_ms() + wait_ms);
  if (++attempt.failed >= config_.github().attempts_max()) return leave(reason, "still limited after " + std::to_string(attempt.failed) + " tries", attempt);
  return Step{};
}

Result<GithubClient::Step> GithubClient::fail(const char* reason, std::string detail, Attempt& attempt) {
  if (++attempt.failed >= config_.github().attempts_max()) return leave(reason, std::move(detail), attempt);
  if (!sleep_until(ports_.now_ms() + doubled(attempt.failed - 1, config_.github().retry_ms(), attempt.url))) return stopped();
  return Step{};
}

// What will be the same next time is kept.
Result<GithubClient::Step> GithubClient::leave(const char* reason, std::string detail, const Attempt& attempt) {
  constexpr std::string_view kLasting[] = {"gone", "legal", "blocked", "empty"};
  if (std::find(std::begin(kLasting), std::end(kLasting), reason) != std::end(kLasting))
    if (auto kept = keep({attempt.url, ports_.now_ms(), reason, {}, {}, {}, {}}); !kept) return kept.error();
  return Step{true, {reason, std::move(detail), {}, {}}};
}

Outcome GithubClient::keep(CachedAnswer answer) { return cache_.keep(answer); }

// Never less than asked for: the jitter, a quarter at most, comes on top.
std::int64_t GithubClient::doubled(std::uint32_t times, std::uint32_t first_ms, std::string_view url) const {
  const auto most = std::max(config_.github().backoff_ms_max(), first_ms);
  const auto wait = std::min<std::uint64_t>(std::uint64_t{first_ms} << std::min(times, 20u), most);
  return static_cast<std::int64_t>(wait + hash64(url, config_.seed() + times) % (wait / 4 + 1));
}

}  // namespace mendel::miner
