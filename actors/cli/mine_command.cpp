// mendel mine git REPO...: pairs of bug-fix commits as JSON lines in walk order, or the funnel. Other sources have
// a file each.
#include <cstdio>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>

#include "actors/cleaner/cleaning.hpp"
#include "actors/cli/commands.hpp"
#include "actors/cli/mine_stackoverflow.hpp"
#include "actors/miner/git_plan.hpp"
#include "actors/miner/miner_stage.hpp"
#include "actors/miner/mining_funnel.hpp"
#include "proto/pair_json.hpp"

namespace mendel::cli {
namespace {

struct MineOptions {
  std::vector<std::string> repositories;
  bool stats = false;
  std::uint32_t jobs = 1;
  std::string out;
  std::uint32_t seed = 0;
};

// One piece of a repository's history.
struct Piece {
  std::string repository;
  std::vector<std::string> commits;
};

// As many miners as pieces are worked on at once; each keeps its repository open.
class Miners {
 public:
  explicit Miners(const Config& config) : config_(config) {}

  Result<WorkResult> run(const Piece& piece) {
    WorkItem item;
    item.set_stage(Stage::mine_git);
    item.mutable_mine_git()->set_repository(piece.repository);
    item.mutable_mine_git()->mutable_commits()->Assign(piece.commits.begin(), piece.commits.end());
    auto miner = take(piece.repository);
    if (!miner) return miner.error();
    auto result = (*miner)->run(item);
    if (result) cleaner::clean_result(*result, config_.clean());
    const std::lock_guard lock(mutex_);
    idle_.emplace(piece.repository, *std::move(miner));
    return result;
  }

 private:
  using Miner = std::unique_ptr<miner::MinerStage>;

  // Rather one that has the repository open already.
  Result<Miner> take(const std::string& repository) {
    {
      const std::lock_guard lock(mutex_);
      auto at = idle_.find(repository);
      if (at == idle_.end()) at = idle_.begin();
      if (at != idle_.end()) {
        auto miner = std::move(at->second);
        idle_.erase(at);
        return miner;
      }
    }
    return miner::MinerStage::start(config_);
  }

  const Config& config_;
  std::mutex mutex_;
  std::multimap<std::string, Miner> idle_;  // by the repository looked at last
};

using Funnel = std::map<std::string, std::uint64_t>;

void print_table(const Funnel& funnel) {
  const auto count = [&](const std::string& counter) {
    const auto at = funnel.find(counter);
    return at == funnel.end() ? 0 : at->second;
  };
  std::uint64_t previous = 0;
  for (const auto& step : miner::mining_funnel()) {
    const auto n = count(step.counter);
    const auto share = previous == 0 ? std::string() : std::to_string((n * 1000 + previous / 2) / previous);
    const auto percent = share.empty() ? std::string("-")
                                       : (share.size() > 1 ? share.substr(0, share.size() - 1) : "0") + "." + share.back() + " %";
    std::printf("%12llu  %8s  %s\n", static_cast<unsigned long long>(n), percent.c_str(), step.description);
    previous = n;
  }
  bool titled = false;
  for (const auto& [counter, n] : funnel) {
    if (!counter.starts_with("mine.rejected.") && counter != miner::kBeyondClone) continue;
    if (!std::exchange(titled, true)) std::printf("left out after the rules of history, by reason:\n");
    std::printf("%12llu  %8s  %s\n", static_cast<unsigned long long>(n), "", counter.substr(counter.rfind('.') + 1).c_str());
  }
}

int print_stats(const Context& context, const Funnel& funnel) {
  if (context.json) {
    nlohmann::ordered_json out;
    for (const auto& step : miner::mining_funnel()) out[step.counter] = 0;
    for (const auto& [counter, n] : funnel) out[counter] = n;
    std::printf("%s\n", out.dump().c_str());
  } else {
    print_table(funnel);
  }
  return std::fflush(stdout) == 0 ? kDone : kFailed;
}

Result<std::vector<Piece>> plan_all(const std::vector<std::string>& repositories, const Config& config) {
  std::vector<Piece> out;
  for (const auto& repository : repositories) {
    auto pieces = miner::plan(repository, config);
    if (!pieces) return pieces.error();
    if (pieces->empty()) warn(repository + ": has no commits");
    for (auto& commits : *pieces) out.push_back({repository, std::move(commits)});
  }
  return out;
}

int mine(const Context& context, const MineOptions& options) {
  auto config = context.config;
  if (config.mine().clones().empty()) config.mutable_mine()->set_clones((context.data / "raw" / "git").string());
  const auto pieces = plan_all(options.repositories, config);
  if (!pieces) return fail(pieces.error());
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(options.out.empty() ? nullptr : std::fopen(options.out.c_str(), "wb"),
                                                             [](std::FILE* f) { return std::fclose(f); });
  if (!options.out.empty() && !file) return fail({ErrorCode::io_error, options.out + ": cannot be written"});
  std::FILE* out = file ? file.get() : stdout;
  std::uint64_t total = 0;
  for (const auto& piece : *pieces) total += piece.commits.size();
  Progress progress(context, "mine", total, "commits");
  Miners miners(config);
  Funnel funnel;
  std::optional<Error> failure;
  bool written = true;
  in_order<std::shared_ptr<Result<WorkResult>>>(
      pieces->size(), options.jobs,
      [&](std::uint64_t i) { return std::make_shared<Result<WorkResult>>(miners.run((*pieces)[i])); },
      [&](std::uint64_t i, std::shared_ptr<Result<WorkResult>> result) {
        progress.add((*pieces)[i].commits.size());
        if (!*result) {
          if (!failure) failure = result->error();
          return;
        }
        for (const auto& [counter, n] : (*result)->funnel()) funnel[counter] += n;
        if (options.stats) return;
        for (const auto& pair : (*result)->pairs()) written = std::fputs((to_json(pair) + "\n").c_str(), out) >= 0 && written;
      });
  progress.finish();
  if (failure) return fail(*failure);
  if (interrupted()) return kInterrupted;
  if (options.stats) return print_stats(context, funnel);
  if (!written || std::fflush(out) != 0) return fail({ErrorCode::io_error, "the pairs could not be written"});
  note(std::to_string(funnel[miner::kPairs]) + " pairs from " + std::to_string(funnel[miner::kCommits]) + " commits");
  return kDone;
}

std::function<int()> declare(CLI::App& app, Context& context) {
  const auto options = std::make_shared<MineOptions>();
  options->jobs = std::max(1u, std::thread::hardware_concurrency());
  app.require_subcommand(1);
  auto* git = app.add_subcommand("git", "bug-fix commits of git repositories")->fallthrough();
  git->add_option("REPO", options->repositories, "bare repositories, work trees or https URLs (cloned into the data folder)")->required();
  git->add_flag("--stats", options->stats, "print the funnel, from commits to pairs, instead of the pairs");
  git->add_option("--jobs", options->jobs, "threads (default: all cores); the output does not depend on it")->check(CLI::Range(1u, 1024u));
  git->add_option("--out", options->out, "file to write to (default: stdout)");
  git->add_option("--seed", options->seed, "accepted everywhere; mining makes no random choice");
  CLI::App* dump = nullptr;
  const auto mine_dump = declare_mine_stackoverflow(app, context, dump);
  return [options, dump, mine_dump, &context] { return dump->parsed() ? mine_dump() : mine(context, *options); };
}

}  // namespace

const Subcommand kMineCommand = {"mine", "find pairs of buggy and fixed code in the history of repositories and in dumps",
                                 "  mendel mine git ~/src/flask --out pairs.jsonl --jobs 2\n"
                                 "  mendel mine git https://github.com/pallets/flask --stats\n"
                                 "  mendel mine stackoverflow stackoverflow.com-Posts.7z --min-score 5 --out pairs.jsonl",
                                 declare};

}  // namespace mendel::cli
