// mendel mine git REPO... and mendel mine release PACKAGE...: pairs as JSON lines in the order of the source, or the
// funnel.
#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>

#include "actors/cli/commands.hpp"
#include "actors/miner/git_plan.hpp"
#include "actors/miner/mining_funnel.hpp"
#include "actors/miner/release_stage.hpp"
#include "actors/runtime/role_actor.hpp"
#include "proto/pair_json.hpp"

namespace mendel::cli {
namespace {

struct MineOptions {
  std::vector<std::string> sources;
  bool stats = false;
  std::uint32_t jobs = 1;
  std::string out;
  std::uint32_t seed = 0;
};

// One piece of a source.
struct Piece {
  std::string source;
  WorkItem item;
  std::uint64_t units;
};

// What sets one kind of source apart.
struct Kind {
  Stage::Value stage;
  const char* unit;  // of progress
  const char* units_counter;
  const char* pairs_counter;
  std::span<const miner::FunnelStep> (*funnel)();
  // A source that cannot be used ends the command, or with `lenient` is told and passed over.
  Result<std::vector<Piece>> (*plan)(const std::string& source, const Config& config);
  bool lenient;
};

// As many miners as pieces are worked on at once; each keeps its source open.
class Miners {
 public:
  Miners(Stage::Value stage, const Config& config) : stage_(stage), config_(config) {}

  Result<WorkResult> run(const Piece& piece) {
    auto miner = take(piece.source);
    if (!miner) return miner.error();
    auto result = (*miner)(piece.item);
    const std::lock_guard lock(mutex_);
    idle_.emplace(piece.source, *std::move(miner));
    return result;
  }

 private:
  // Rather one that has the source open already.
  Result<runtime::StageFunction> take(const std::string& source) {
    {
      const std::lock_guard lock(mutex_);
      auto at = idle_.find(source);
      if (at == idle_.end()) at = idle_.begin();
      if (at != idle_.end()) {
        auto miner = std::move(at->second);
        idle_.erase(at);
        return miner;
      }
    }
    return runtime::start_stage(stage_, config_, {});
  }

  Stage::Value stage_;
  const Config& config_;
  std::mutex mutex_;
  std::multimap<std::string, runtime::StageFunction> idle_;  // by the source looked at last
};

using Funnel = std::map<std::string, std::uint64_t>;

void print_table(const Kind& kind, const Funnel& funnel) {
  const auto count = [&](const std::string& counter) {
    const auto at = funnel.find(counter);
    return at == funnel.end() ? 0 : at->second;
  };
  std::uint64_t previous = 0;
  for (const auto& step : kind.funnel()) {
    const auto n = count(step.counter);
    const auto share = previous == 0 ? std::string() : std::to_string((n * 1000 + previous / 2) / previous);
    const auto percent = share.empty() ? std::string("-")
                                       : (share.size() > 1 ? share.substr(0, share.size() - 1) : "0") + "." + share.back() + " %";
    std::printf("%12llu  %8s  %s\n", static_cast<unsigned long long>(n), percent.c_str(), step.description);
    previous = n;
  }
  bool titled = false;
  for (const auto& [counter, n] : funnel) {
    const bool reason = counter.find(".rejected.") != std::string::npos || counter.find(".skipped.") != std::string::npos;
    if (!reason && counter != miner::kBeyondClone) continue;
    if (!std::exchange(titled, true)) std::printf("left out after these rules, by reason:\n");
    std::printf("%12llu  %8s  %s\n", static_cast<unsigned long long>(n), "", counter.substr(counter.rfind('.') + 1).c_str());
  }
}

int print_stats(const Context& context, const Kind& kind, const Funnel& funnel) {
  if (context.json) {
    nlohmann::ordered_json out;
    for (const auto& step : kind.funnel()) out[step.counter] = 0;
    for (const auto& [counter, n] : funnel) out[counter] = n;
    std::printf("%s\n", out.dump().c_str());
  } else {
    print_table(kind, funnel);
  }
  return std::fflush(stdout) == 0 ? kDone : kFailed;
}

Result<std::vector<Piece>> plan_git(const std::string& repository, const Config& config) {
  auto ranges = miner::plan(repository, config);
  if (!ranges) return ranges.error();
  if (ranges->empty()) warn(repository + ": has no commits");
  std::vector<Piece> out;
  for (const auto& commits : *ranges) {
    auto& [source, item, units] = out.emplace_back(Piece{repository, {}, commits.size()});
    item.set_stage(Stage::mine_git);
    item.mutable_mine_git()->set_repository(repository);
    item.mutable_mine_git()->mutable_commits()->Assign(commits.begin(), commits.end());
  }
  return out;
}

Result<std::vector<Piece>> plan_release(const std::string& package, const Config& config) {
  auto steps = miner::plan_releases(package, config);
  if (!steps) return steps.error();
  if (steps->empty()) warn(package + ": no release follows another as its patch");
  std::vector<Piece> out;
  for (auto& step : *steps) {
    auto& [source, item, units] = out.emplace_back(Piece{package, {}, 1});
    item.set_stage(Stage::mine_release);
    *item.mutable_mine_release() = std::move(step);
  }
  return out;
}

constexpr Kind kGit = {Stage::mine_git, "commits", miner::kCommits, miner::kPairs, miner::mining_funnel, plan_git, false};
constexpr Kind kRelease = {Stage::mine_release, "steps", "release.steps", "release.pairs", miner::release_funnel, plan_release, true};

Result<std::vector<Piece>> plan_all(const Kind& kind, const std::vector<std::string>& sources, const Config& config) {
  std::vector<Piece> out;
  std::optional<Error> failure;
  std::size_t failed = 0;
  for (const auto& source : sources) {
    auto pieces = kind.plan(source, config);
    if (pieces) {
      std::move(pieces->begin(), pieces->end(), std::back_inserter(out));
      continue;
    }
    failure = pieces.error();
    if (!kind.lenient || pieces.error().code == ErrorCode::invalid_input) return *failure;
    if (++failed < sources.size()) warn(failure->what);
  }
  if (failed == sources.size()) return *failure;
  return out;
}

int mine(const Context& context, const Kind& kind, const MineOptions& options) {
  auto config = context.config;
  if (config.mine().clones().empty()) config.mutable_mine()->set_clones((context.data / "raw" / "git").string());
  if (config.mine().releases().empty()) config.mutable_mine()->set_releases((context.data / "raw" / "releases").string());
  const auto pieces = plan_all(kind, options.sources, config);
  if (!pieces) return fail(pieces.error());
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(options.out.empty() ? nullptr : std::fopen(options.out.c_str(), "wb"),
                                                             [](std::FILE* f) { return std::fclose(f); });
  if (!options.out.empty() && !file) return fail({ErrorCode::io_error, options.out + ": cannot be written"});
  std::FILE* out = file ? file.get() : stdout;
  std::uint64_t total = 0;
  for (const auto& piece : *pieces) total += piece.units;
  Progress progress(context, "mine", total, kind.unit);
  Miners miners(kind.stage, config);
  Funnel funnel;
  std::optional<Error> failure;
  bool written = true;
  in_order<std::shared_ptr<Result<WorkResult>>>(
      pieces->size(), options.jobs,
      [&](std::uint64_t i) { return std::make_shared<Result<WorkResult>>(miners.run((*pieces)[i])); },
      [&](std::uint64_t i, std::shared_ptr<Result<WorkResult>> result) {
        progress.add((*pieces)[i].units);
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
  if (options.stats) return print_stats(context, kind, funnel);
  if (!written || std::fflush(out) != 0) return fail({ErrorCode::io_error, "the pairs could not be written"});
  note(std::to_string(funnel[kind.pairs_counter]) + " pairs from " + std::to_string(funnel[kind.units_counter]) + " " + kind.unit);
  return kDone;
}

void add_common(CLI::App& app, MineOptions& options) {
  app.add_flag("--stats", options.stats, "print the funnel, from all that was looked at to pairs, instead of the pairs");
  app.add_option("--jobs", options.jobs, "threads (default: all cores); the output does not depend on it")->check(CLI::Range(1u, 1024u));
  app.add_option("--out", options.out, "file to write to (default: stdout)");
  app.add_option("--seed", options.seed, "accepted everywhere; mining makes no random choice");
}

std::function<int()> declare(CLI::App& app, Context& context) {
  const auto options = std::make_shared<MineOptions>();
  options->jobs = std::max(1u, std::thread::hardware_concurrency());
  app.require_subcommand(1);
  auto* git = app.add_subcommand("git", "bug-fix commits of git repositories")->fallthrough();
  git->add_option("REPO", options->sources, "bare repositories, work trees or https URLs (cloned into the data folder)")->required();
  auto* release = app.add_subcommand("release", "functions that changed from one patch release of a package to the next")->fallthrough();
  release->add_option("PACKAGE", options->sources, "names of Python packages in the package index, or folders of release archives")->required();
  add_common(*git, *options);
  add_common(*release, *options);
  return [options, &context, release] { return mine(context, release->parsed() ? kRelease : kGit, *options); };
}

}  // namespace

const Subcommand kMineCommand = {"mine", "find pairs of buggy and fixed functions in histories and releases",
                                 "  mendel mine git ~/src/flask --out pairs.jsonl --jobs 2\n"
                                 "  mendel mine git https://github.com/pallets/flask --stats\n"
                                 "  mendel mine release requests urllib3",
                                 declare};

}  // namespace mendel::cli
