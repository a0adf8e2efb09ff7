// Names are looked up one by one (that tells their fork network), searches read whole.
#include "actors/miner/github_discovery.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "actors/miner/clone.hpp"

namespace mendel::miner {
namespace {

constexpr std::array<LeftOutReason, 9> kReasons = {{
    {"gone", "no such repository (any more)"},
    {"legal", "taken down for legal reasons"},
    {"blocked", "taken down for its terms of service"},
    {"empty", "has no commits"},
    {"fork", "a fork, and sources.github.forks is off"},
    {"fork_of_another", "a fork of a repository that is mined as well"},
    {"license", "its licence is not among sources.github.licenses"},
    {"too_large", "larger than mine.clone_mib_max"},
    {"past_the_maximum", "more than sources.github.repositories_max were found"},
}};

class Collector {
 public:
  Collector(GithubClient& client, const Config& config, std::string api) : client_(client), config_(config), api_(std::move(api)) {}

  // `rank` 0: priority, 1: named, 2: found.
  Outcome look_up(const std::string& name, int rank) {
    if (!is_repository_name(name)) return Error{ErrorCode::invalid_input, "sources.github: \"" + name + "\" is not OWNER/NAME"};
    auto page = client_.get(api_ + "/repos/" + name, GithubResource::core);
    if (!page) return page.error();
    auto repository = page->reason == "ok" ? repository_from(page->body) : std::nullopt;
    if (repository) add(*std::move(repository), rank);
    else leave_out(name, page->reason == "ok" ? "unexpected_answer" : page->reason, page->detail);
    return Done{};
  }

  void add(GithubRepository repository, int rank) {
    const auto [at, fresh] = known_.try_emplace(repository.id, Ranked{rank, {}});
    // What was looked up knows its fork network, which a search does not tell.
    if (fresh || !repository.fork_of.empty()) at->second.repository = std::move(repository);
    at->second.rank = std::min(at->second.rank, rank);
  }

  // Forks that a search found: whose?
  Outcome look_up_forks() {
    if (!config_.sources().github().forks()) return Done{};
    std::vector<std::string> names;
    for (const auto& [id, ranked] : known_)
      if (ranked.repository.fork && ranked.repository.fork_of.empty()) names.push_back(ranked.repository.name);
    for (const auto& name : names)
      if (auto done = look_up(name, 2); !done) return done;
    return Done{};
  }

  GithubDiscovery finish() && {
    std::vector<Ranked> all;
    for (auto& [id, ranked] : known_) all.push_back(std::move(ranked));
    std::sort(all.begin(), all.end(), [](const Ranked& a, const Ranked& b) {
      if (a.rank != b.rank) return a.rank < b.rank;
      if (a.repository.stars != b.repository.stars) return a.repository.stars > b.repository.stars;
      return a.repository.id < b.repository.id;
    });
    std::set<std::string> names;
    for (const auto& ranked : all) names.insert(ranked.repository.name);
    out_.found = all.size();
    for (auto& ranked : all) {
      if (const auto reason = why_not(ranked.repository, names); !reason.empty()) leave_out(ranked.repository.name, reason, ranked.repository.license);
      else out_.repositories.push_back(std::move(ranked.repository));
    }
    return std::move(out_);
  }

  std::size_t known() const { return known_.size(); }
  SearchSummary& searches() { return out_.searches; }

 private:
  struct Ranked {
    int rank = 2;
    GithubRepository repository;
  };

  std::string why_not(const GithubRepository& repository, const std::set<std::string>& names) const {
    const auto& wanted = config_.sources().github();
    if (repository.fork && !wanted.forks()) return "fork";
    if (names.contains(repository.fork_of)) return "fork_of_another";
    const auto& licenses = wanted.licenses();
    if (!licenses.empty() && std::find(licenses.begin(), licenses.end(), repository.license) == licenses.end()) return "license";
    if (repository.size_kib / 1024 > config_.mine().clone_mib_max()) return "too_large";
    if (out_.repositories.size() >= wanted.repositories_max()) return "past_the_maximum";
    return {};
  }

  void leave_out(const std::string& name, const std::string& reason, const std::string& detail) {
    Rejection rejection;
    rejection.set_subject(name);
    rejection.set_reason(reason);
    rejection.set_detail(detail);
    out_.left_out.push_back(std::move(rejection));
  }

  GithubClient& client_;
  const Config& config_;
  std::string api_;
  std::map<std::uint64_t, Ranked> known_;
  GithubDiscovery out_;
};

struct Days {
  std::int64_t from_s, until_s;
};

Result<Days> days_of(const GithubSource& source, std::int64_t now_ms) {
  constexpr std::int64_t kDayS = 86'400;
  const auto from = day_start_s(source.created_from());
  if (!from) return Error{ErrorCode::invalid_input, "sources.github.created_from: \"" + source.created_from() + "\" is not YYYY-MM-DD"};
  const auto until = source.created_until().empty() ? std::optional(now_ms / 1000 / kDayS * kDayS) : day_start_s(source.created_until());
  if (!until || *until < *from) return Error{ErrorCode::invalid_input, "sources.github.created_until: \"" + source.created_until() + "\" is not YYYY-MM-DD after created_from"};
  return Days{*from, *until + kDayS - 1};
}

std::string without_slash(std::string text) {
  while (text.ends_with('/')) text.pop_back();
  return text;
}

}  // namespace

std::span<const LeftOutReason> left_out_reasons() { return kReasons; }

Result<std::string> web_address(const std::string& api) {
  const auto address = without_slash(api);
  if (!is_clonable_address(address)) return Error{ErrorCode::invalid_input, "sources.github.api: \"" + api + "\" is not https://HOST…"};
  if (address == "https://api.github.com") return std::string("https://github.com");
  constexpr std::string_view kEnterprise = "/api/v3";
  return address.ends_with(kEnterprise) ? address.substr(0, address.size() - kEnterprise.size()) : address;
}

Result<GithubDiscovery> discover(GithubClient& client, const Config& config, std::int64_t now_ms, const std::function<void(const std::string&)>& progress) {
  const auto& source = config.sources().github();
  const auto days = days_of(source, now_ms);
  if (!days) return days.error();
  const auto api = without_slash(source.api());
  Collector collector(client, config, api);
  int rank = 0;
  for (const auto* names : {&source.priority(), &source.repositories()}) {
    for (const auto& name : *names)
      if (auto done = collector.look_up(name, rank); !done) return done.error();
    ++rank;
  }
  for (int i = 0; i < source.queries_size(); ++i) {
    const auto& query = source.queries(i);
    if (query.find("created:") != std::string::npos)
      return Error{ErrorCode::invalid_input, "sources.github.queries: \"" + query + "\": use created_from and created_until instead of created:"};
    const auto summary = search_repositories(client, api, query, days->from_s, days->until_s, [&](GithubRepository found) { collector.add(std::move(found), 2); });
    if (!summary) return summary.error();
    auto& sum = collector.searches();
    sum.windows += summary->windows;
    sum.cut += summary->cut;
    sum.truncated += summary->truncated;
    sum.incomplete += summary->incomplete;
    progress(std::to_string(collector.known()) + " repositories known after " + std::to_string(i + 1) + " of " + std::to_string(source.queries_size()) + " searches");
  }
  if (auto done = collector.look_up_forks(); !done) return done.error();
  return std::move(collector).finish();
}

}  // namespace mendel::miner
