// mendel mine git|github|release: pairs as JSON lines in the order of the source, or the funnel. Dumps have a file
// of their own.
#include <cstdio>
#include <future>
#include <memory>
#include <nlohmann/json.hpp>

#include "actors/cli/commands.hpp"
#include "actors/cli/mine_stackoverflow.hpp"
#include "actors/cli/mining.hpp"
#include "actors/miner/git_plan.hpp"
#include "actors/miner/mining_funnel.hpp"
#include "actors/miner/release_stage.hpp"
#include "actors/runtime/github_source.hpp"
#include "actors/syntax/child_process.hpp"

namespace mendel::cli {
namespace {

Config with_folders(const Context& context) {
  auto config = context.config;
  if (config.mine().clones().empty()) config.mutable_mine()->set_clones((context.data / "raw" / "git").string());
  if (config.mine().releases().empty()) config.mutable_mine()->set_releases((context.data / "raw" / "releases").string());
  if (config.github().cache().empty()) config.mutable_github()->set_cache((context.data / "raw" / "github").string());
  return config;
}

int mine_items(const Context& context, const MineOptions& options, const Config& config, const Mining& mining, const std::vector<WorkItem>& items) {
  auto run = MiningRun::start(options, config, mining);
  if (!run) return fail(run.error());
  std::uint64_t total = 0;
  for (const auto& item : items) total += units_of(item);
  Progress progress(context, "mine", total, mining.unit);
  const auto mined = (*run)->add(items, [&](std::uint64_t units) { progress.add(units); });
  progress.finish();
  if (!mined) return fail(mined.error());
  return interrupted() ? static_cast<int>(kInterrupted) : (*run)->finish(context);
}

int mine_git(const Context& context, const MineOptions& options) {
  const auto config = with_folders(context);
  std::vector<WorkItem> items;
  for (const auto& repository : options.repositories) {
    auto pieces = miner::plan(repository, config);
    if (!pieces) return fail(pieces.error());
    if (pieces->empty()) warn(repository + ": has no commits");
    for (auto& commits : *pieces) {
      auto& item = items.emplace_back();
      item.set_stage(Stage::mine_git);
      item.mutable_mine_git()->set_repository(repository);
      item.mutable_mine_git()->mutable_commits()->Assign(commits.begin(), commits.end());
    }
  }
  return mine_items(context, options, config, kMiningHistory, items);
}

// A package that cannot be had is told and passed over, unless none can.
int mine_releases(const Context& context, const MineOptions& options) {
  const auto config = with_folders(context);
  std::vector<WorkItem> items;
  std::size_t failed = 0;
  for (const auto& package : options.repositories) {
    auto steps = miner::plan_releases(package, config);
    if (!steps && (steps.error().code == ErrorCode::invalid_input || ++failed == options.repositories.size())) return fail(steps.error());
    if (!steps) warn(steps.error().what);
    else if (steps->empty()) warn(package + ": no release follows another as its patch");
    else
      for (auto& step : *steps) {
        auto& item = items.emplace_back();
        item.set_stage(Stage::mine_release);
        *item.mutable_mine_release() = std::move(step);
      }
  }
  return mine_items(context, options, config, kMiningReleases, items);
}

void print_repository(const Context& context, const miner::GithubRepository& found) {
  const nlohmann::ordered_json line = {{"repository", found.name}, {"id", found.id}, {"license", found.license}, {"fork_of", found.fork_of},
                                       {"stars", found.stars}, {"size_kib", found.size_kib}, {"archived", found.archived}};
  if (context.json) std::printf("%s\n", line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
  else std::printf("%8llu  %-14s %s\n", static_cast<unsigned long long>(found.stars), found.license.c_str(), found.name.c_str());
}

// While one repository is mined the next is cloned. Answers how many could not be had; they are said.
std::size_t mine_repositories(const Context& context, const runtime::GithubReport& report, const Config& config, MiningRun& run) {
  const auto& repositories = report.discovery.repositories;
  const auto plan = [&](std::size_t i) {
    return std::async(std::launch::async, [&, i] { return runtime::github_items(repositories[i], report.web, config); });
  };
  Progress progress(context, "github", repositories.size(), "repositories");
  std::size_t failed = 0;
  std::future<Result<std::vector<WorkItem>>> next;
  if (!repositories.empty()) next = plan(0);
  for (std::size_t i = 0; i < repositories.size() && !interrupted(); ++i) {
    const auto items = next.get();
    if (i + 1 < repositories.size()) next = plan(i + 1);
    const auto mined = items ? run.add(*items, [](std::uint64_t) {}) : Outcome(items.error());
    if (!mined) {
      warn(mined.error().what);
      ++failed;
    }
    progress.tell(std::to_string(run.count(miner::kCommits)) + " commits, " + std::to_string(run.count(miner::kPairs)) + " pairs");
    progress.add();
  }
  progress.finish();
  return failed;
}

int mine_github(const Context& context, const MineOptions& options) {
  auto config = with_folders(context);
  for (const auto& name : options.repositories) config.mutable_sources()->mutable_github()->add_repositories(name);
  if (!runtime::wants_github(config))
    return fail_use("nothing to look for; name OWNER/NAME, or set sources.github.queries, e.g. --set 'sources.github.queries=[\"language:python stars:>=500\"]'");
  auto report = runtime::ask_github(config, config.github().cache(), interrupted, [](const std::string& line) { note(line); });
  if (!report) return fail(report.error());
  note(runtime::describe(*report));
  for (const auto& left_out : report->discovery.left_out) note("left out: " + left_out.subject() + " (" + left_out.reason() + ")");
  if (options.list) {
    for (const auto& repository : report->discovery.repositories) print_repository(context, repository);
    return std::fflush(stdout) == 0 ? kDone : kFailed;
  }
  auto run = MiningRun::start(options, config, kMiningHistory);
  if (!run) return fail(run.error());
  const auto failed = mine_repositories(context, *report, config, **run);
  if (interrupted()) return kInterrupted;
  const int status = (*run)->finish(context);
  return status == kDone && failed > 0 ? static_cast<int>(kLeftovers) : status;
}

void declare_common(CLI::App& app, MineOptions& options) {
  app.add_flag("--stats", options.stats, "print the funnel, from commits to pairs, instead of the pairs");
  app.add_option("--jobs", options.jobs, "threads (default: all cores); the output does not depend on it")->check(CLI::Range(1u, 1024u));
  app.add_option("--out", options.out, "file to write to (default: stdout)");
  app.add_option("--seed", options.seed, "accepted everywhere; mining makes no random choice");
}

std::function<int()> declare(CLI::App& app, Context& context) {
  const auto options = std::make_shared<MineOptions>();
  options->jobs = std::max(1u, std::thread::hardware_concurrency());
  app.require_subcommand(1);
  auto* git = app.add_subcommand("git", "bug-fix commits of git repositories")->fallthrough();
  git->add_option("REPO", options->repositories, "bare repositories, work trees or https URLs (cloned into the data folder)")->required();
  declare_common(*git, *options);
  auto* github = app.add_subcommand("github", "the same of repositories that GitHub's API finds; see sources.github and github in the configuration")->fallthrough();
  github->add_option("OWNER/NAME", options->repositories, "repositories to mine besides the configured ones");
  github->add_flag("--list", options->list, "print the repositories in the order in which they would be mined, and clone nothing");
  declare_common(*github, *options);
  auto* release = app.add_subcommand("release", "functions that changed from one patch release of a package to the next")->fallthrough();
  release->add_option("PACKAGE", options->repositories, "names of Python packages in the package index, or folders of release archives (with a slash)")->required();
  declare_common(*release, *options);
  CLI::App* dump = nullptr;
  const auto mine_dump = declare_mine_stackoverflow(app, context, dump);
  return [options, github, release, dump, mine_dump, &context] {
    syntax::stop_children_when(interrupted);
    if (dump->parsed()) return mine_dump();
    if (release->parsed()) return mine_releases(context, *options);
    return github->parsed() ? mine_github(context, *options) : mine_git(context, *options);
  };
}

}  // namespace

const Subcommand kMineCommand = {"mine", "find pairs of buggy and fixed code in the history of repositories, in releases and in dumps",
                                 "  mendel mine git ~/src/flask --out pairs.jsonl --jobs 2\n"
                                 "  mendel mine git https://github.com/pallets/flask --stats\n"
                                 "  mendel --set 'sources.github.queries=[\"language:python stars:>=500\"]' mine github --out pairs.jsonl\n"
                                 "  mendel mine release requests click --stats\n"
                                 "  mendel mine stackoverflow stackoverflow.com-Posts.7z --min-score 5 --out pairs.jsonl",
                                 declare};

}  // namespace mendel::cli
