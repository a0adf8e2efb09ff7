// The rules of the API's client against scripted answers under a virtual clock: hours pass in no time.
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <deque>
#include <filesystem>
#include <fstream>
#include <string>

#include "actors/miner/github_client.hpp"
#include "actors/miner/github_discovery.hpp"

using namespace mendel;
using namespace mendel::miner;

namespace {

constexpr std::int64_t kStart = 1'700'000'000'000;
constexpr std::int64_t kSecond = 1000, kHour = 3'600'000;
const std::string kUrl = "https://api.github.com/repos/a/b";

struct Folder {
  std::filesystem::path path;
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "mendel-github-XXXXXX").string();
    path = mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path); }
};

// A server that plays its script, and a clock that only sleeping moves.
struct Script {
  std::deque<HttpAnswer> answers;
  std::vector<HttpRequest> asked;
  std::vector<std::int64_t> at;
  std::int64_t now = kStart;
  bool stop = false;

  GithubPorts ports() {
    GithubPorts out;
    out.get = [this](const HttpRequest& request) -> Result<HttpAnswer> {
      asked.push_back(request);
      at.push_back(now);
      if (answers.empty()) return HttpAnswer{200, {{"etag", "\"x\""}}, "{}"};
      auto answer = answers.front();
      answers.pop_front();
      if (answer.status == 0) return Error{ErrorCode::io_error, "no connection"};
      return answer;
    };
    out.now_ms = [this] { return now; };
    out.sleep_until = [this](std::int64_t until) {
      now = std::max(now, until);
      return !stop;
    };
    out.tell = [](const std::string&) {};
    return out;
  }
};

struct Bench {
  Folder folder;
  Config config;
  Script script;
  std::vector<GithubToken> tokens;

  explicit Bench(std::size_t token_count = 1) {
    for (std::size_t i = 0; i < token_count; ++i) tokens.push_back({"file" + std::to_string(i), Secret("token-number-" + std::to_string(i))});
  }
  Result<GithubPage> get(const std::string& url = kUrl) {
    GithubBudget budget(tokens.size(), {config.github().points_per_minute(), config.github().searches_per_minute()});
    GithubClient client(config, tokens, budget, GithubCache(folder.path), script.ports());
    auto page = client.get(url, GithubResource::core);
    counts = client.counts();
    return page;
  }
  GithubCounts counts;
};

HttpAnswer answer(int status, std::map<std::string, std::string> headers = {}, std::string body = {}) { return {status, std::move(headers), std::move(body)}; }

}  // namespace

TEST_CASE("every answer rule decides its own example") {
  for (const auto& rule : answer_rules()) {
    CAPTURE(std::string(rule.reason));
    CHECK(std::string(rule_for(rule.example()).reason) == rule.reason);
  }
}

TEST_CASE("a reset an hour ahead is waited for to the second") {
  Bench bench;
  const auto reset = std::to_string((kStart + kHour) / 1000);
  bench.script.answers = {answer(403, {{"x-ratelimit-remaining", "0"}, {"x-ratelimit-reset", reset}})};
  REQUIRE(bench.get());
  CHECK(bench.script.at == std::vector<std::int64_t>{kStart, kStart + kHour});
  CHECK(bench.counts.limited == 1);
  CHECK(bench.counts.failures == 0);
}

TEST_CASE("retry-after outranks the reset, in seconds or as a date") {
  Bench bench;
  const auto far = std::to_string((kStart + 10 * kHour) / 1000);
  bench.script.answers = {answer(429, {{"retry-after", "90"}, {"x-ratelimit-remaining", "0"}, {"x-ratelimit-reset", far}}),
                          answer(403, {{"retry-after", "Tue, 14 Nov 2023 23:13:20 GMT"}})};
  REQUIRE(bench.get());
  CHECK(bench.script.at == std::vector<std::int64_t>{kStart, kStart + 90 * kSecond, kStart + kHour});
}

TEST_CASE("a limit that names no time waits a minute, then doubles up to the cap, and never less") {
  Bench bench;
  bench.config.mutable_github()->set_attempts_max(8);
  for (int i = 0; i < 7; ++i) bench.script.answers.push_back(answer(i % 2 == 0 ? 403 : 429));
  REQUIRE(bench.get());
  std::int64_t least = 60 * kSecond;
  for (std::size_t i = 1; i < bench.script.at.size(); ++i, least = std::min<std::int64_t>(2 * least, 900 * kSecond)) {
    const auto waited = bench.script.at[i] - bench.script.at[i - 1];
    CHECK(waited >= least);
    CHECK(waited <= least + least / 4);
  }
  Bench again;
  again.config = bench.config;
  for (int i = 0; i < 7; ++i) again.script.answers.push_back(answer(i % 2 == 0 ? 403 : 429));
  REQUIRE(again.get());
  CHECK(again.script.at == bench.script.at);
}

TEST_CASE("another token goes on while one is limited") {
  Bench bench(2);
  const auto reset = std::to_string((kStart + kHour) / 1000);
  bench.script.answers = {answer(403, {{"x-ratelimit-remaining", "0"}, {"x-ratelimit-reset", reset}})};
  REQUIRE(bench.get());
  CHECK(bench.script.at == std::vector<std::int64_t>{kStart, kStart});
  CHECK(bench.script.asked[0].bearer != bench.script.asked[1].bearer);
}

TEST_CASE("a refused token is not used again, and without any the source stops") {
  Bench bench(2);
  bench.script.answers = {answer(401), answer(401)};
  const auto page = bench.get();
  REQUIRE_FALSE(page);
  CHECK(page.error().code == ErrorCode::unavailable);
  CHECK(page.error().what.find("token-number") == std::string::npos);
  CHECK(bench.script.asked.size() == 2);
}

TEST_CASE("what was answered is answered from disk while it is fresh, then asked again by its tag") {
  Bench bench;
  bench.script.answers = {answer(200, {{"etag", "\"1\""}, {"link", "<https://api.github.com/x?page=2>; rel=\"next\""}}, "body")};
  REQUIRE(bench.get());
  auto page = bench.get();
  REQUIRE(page);
  CHECK(page->body == "body");
  CHECK(page->next == "https://api.github.com/x?page=2");
  CHECK(bench.script.asked.size() == 1);
  bench.script.now += 200 * kHour;
  bench.script.answers = {answer(304)};
  page = bench.get();
  REQUIRE(page);
  CHECK(page->body == "body");
  CHECK(bench.script.asked.back().headers.back() == std::pair<std::string, std::string>{"If-None-Match", "\"1\""});
  REQUIRE(bench.get());
  CHECK(bench.script.asked.size() == 2);
}

TEST_CASE("a damaged answer on disk is asked for again") {
  Bench bench;
  REQUIRE(bench.get());
  for (const auto& entry : std::filesystem::recursive_directory_iterator(bench.folder.path))
    if (entry.is_regular_file()) std::ofstream(entry.path()) << "{\"url\": [[[";
  REQUIRE(bench.get());
  CHECK(bench.script.asked.size() == 2);
}

TEST_CASE("a passing failure is tried again a bounded number of times") {
  Bench bench;
  for (int i = 0; i < 6; ++i) bench.script.answers.push_back(i % 2 == 0 ? answer(502) : answer(0));
  const auto page = bench.get();
  REQUIRE(page);
  CHECK(page->reason == "no_answer");
  CHECK(bench.script.asked.size() == 6);
  CHECK(bench.counts.failures == 6);
}

TEST_CASE("a stop while waiting ends at once, and a wait past the maximum is not begun") {
  Bench bench;
  bench.script.stop = true;
  bench.script.answers = {answer(403)};
  auto page = bench.get();
  REQUIRE_FALSE(page);
  CHECK(page.error().code == ErrorCode::interrupted);
  bench.script.stop = false;
  bench.script.answers = {answer(403, {{"retry-after", "999999"}})};
  page = bench.get();
  REQUIRE_FALSE(page);
  CHECK(page.error().code == ErrorCode::unavailable);
  CHECK(bench.script.at.back() == bench.script.now);
}

TEST_CASE("the last request that is allowed is the last that is made") {
  Bench bench;
  bench.config.mutable_github()->set_requests_max(1);
  bench.script.answers = {answer(502)};
  const auto page = bench.get();
  REQUIRE_FALSE(page);
  CHECK(page.error().what.find("github.requests_max") != std::string::npos);
  CHECK(bench.script.asked.size() == 1);
}

TEST_CASE("a minute of searches is never fuller than its limit") {
  GithubBudget budget(1, {900, 30});
  std::vector<std::int64_t> at;
  std::int64_t now = kStart;
  while (at.size() < 100) {
    const auto turn = budget.take(GithubResource::search, now);
    if (turn.kind == GithubBudget::Turn::Kind::go) at.push_back(now);
    else now = turn.until_ms;
    now += 7;
  }
  for (std::size_t i = 30; i < at.size(); ++i) CHECK(at[i] - at[i - 30] >= 60'000);
  CHECK(budget.take(GithubResource::core, now).kind == GithubBudget::Turn::Kind::go);
}

TEST_CASE("the token with the most left is asked") {
  GithubBudget budget(3, {});
  budget.learn(0, GithubResource::core, 10, kStart + kHour);
  budget.learn(1, GithubResource::core, 20, kStart + kHour);
  budget.learn(2, GithubResource::core, 0, kStart + kHour);
  CHECK(budget.take(GithubResource::core, kStart).token == 1);
  budget.hold(1, std::nullopt, kStart + 5);
  CHECK(budget.take(GithubResource::core, kStart).token == 0);
  budget.refuse(0);
  CHECK(budget.take(GithubResource::core, kStart).until_ms == kStart + 5);
  CHECK(budget.usable() == 2);
}

TEST_CASE("pages follow the Link header's next alone") {
  CHECK(next_link("<https://x/2>; rel=\"next\", <https://x/9>; rel=\"last\"") == "https://x/2");
  CHECK(next_link("<https://x/1>; rel=\"prev\", <https://x/3>; rel=\"next\"") == "https://x/3");
  for (const char* text : {"", "<", "<>", "https://x/2; rel=\"next\"", "<https://x/2>; rel=\"last\""}) CHECK(next_link(text).empty());
}

TEST_CASE("a redirect stays at the API's own address") {
  CHECK(redirect_target(kUrl, "/repositories/7") == "https://api.github.com/repositories/7");
  CHECK(redirect_target(kUrl, "https://api.github.com/x") == "https://api.github.com/x");
  for (const char* to : {"", "file:///etc/passwd", "http://api.github.com/x", "https://api.github.com.evil.org/", "https://api.github.com@evil.org/", "//evil.org/",
                         "https://169.254.169.254/", "ftp://api.github.com/", "https://api.github.com:444/x"})
    CHECK(redirect_target(kUrl, to).empty());
}

TEST_CASE("names that could leave a folder or an address are no repositories") {
  for (const char* name : {"a/b", "a-b/c.d_e", "A1/.github"}) CHECK(is_repository_name(name));
  for (const char* name : {"", "a", "a/", "/b", "a/b/c", "../b", "a/..", "a/.", "a b/c", "a/b?x", "-a/b", "a/b%2f", "a\\b/c", "a/\xC3\xBC"})
    CHECK_FALSE(is_repository_name(name));
}

TEST_CASE("days are read and times written as the API wants them") {
  CHECK(day_start_s("2020-01-31") == 1580428800);
  CHECK(timestamp(1580428800) == "2020-01-31T00:00:00Z");
  for (const char* day : {"", "2020-1-1", "2020-13-01", "yesterday", "2020-01-01T"}) CHECK_FALSE(day_start_s(day));
}

TEST_CASE("repositories lie beside the API") {
  CHECK(*web_address("https://api.github.com/") == "https://github.com");
  CHECK(*web_address("https://git.example.com/api/v3") == "https://git.example.com");
  CHECK(*web_address("http://127.0.0.1:80") == "http://127.0.0.1:80");
  for (const char* api : {"http://api.github.com", "http://127.0.0.1.evil.org", "https://", "https://u:p@x", "file:///x"}) CHECK_FALSE(web_address(api));
}
