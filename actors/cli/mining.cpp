// From work items of the miner to pairs on stdout or the funnel; the part that all kinds of mining share.
#include "actors/cli/mining.hpp"

#include <array>
#include <cstdio>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "actors/cleaner/cleaning.hpp"
#include "actors/cli/funnel_text.hpp"
#include "actors/miner/patch_id.hpp"
#include "actors/miner/release_stage.hpp"
#include "actors/runtime/role_actor.hpp"
#include "proto/pair_json.hpp"

namespace mendel::cli {
namespace {

const std::string& source_of(const WorkItem& item) {
  if (item.has_mine_release()) return item.mine_release().package();
  return item.has_mine_github() ? item.mine_github().history().repository() : item.mine_git().repository();
}

// As many miners as items are worked on at once; each keeps its source open. All items are of one stage.
class Miners {
 public:
  explicit Miners(const Config& config) : config_(config) {}

  Result<WorkResult> run(const WorkItem& item) {
    const auto& source = source_of(item);
    auto miner = take(source, item.stage());
    if (!miner) return miner.error();
    auto result = (*miner)(item);
    if (result) cleaner::clean_result(*result, config_.clean());
    const std::lock_guard lock(mutex_);
    idle_.emplace(source, *std::move(miner));
    return result;
  }

 private:
  using Miner = runtime::StageFunction;

  // Rather one that has the source open already.
  Result<Miner> take(const std::string& source, Stage::Value stage) {
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
    return runtime::start_stage(stage, config_, {});
  }

  const Config& config_;
  std::mutex mutex_;
  std::multimap<std::string, Miner> idle_;  // by the source looked at last
};

constexpr FunnelReasons kReasons[] = {{".rejected.", "left out after these rules, by reason:"},
                                      {".skipped.", "passed over, by reason:"},
                                      {miner::kBeyondClone, "not judged:"}};

// By source, as it was named.
using Funnels = std::map<std::string, Funnel>;

void print_rows(const Mining& mining, const Funnels& funnels) {
  std::printf("by source:");
  for (const char* counter : mining.columns) std::printf(" %s", counter);
  std::printf("\n");
  for (const auto& [source, funnel] : funnels) {
    for (const char* counter : mining.columns) {
      const auto at = funnel.find(counter);
      std::printf("%12llu", static_cast<unsigned long long>(at == funnel.end() ? 0 : at->second));
    }
    std::printf("  %s\n", source.c_str());
  }
}

int print_stats(const Context& context, const Mining& mining, const Funnels& funnels) {
  Funnel total;
  for (const auto& [source, funnel] : funnels)
    for (const auto& [counter, n] : funnel) total[counter] += n;
  if (context.json) {
    auto out = funnel_json(mining.funnel(), total);
    for (const auto& [source, funnel] : funnels) out["repositories"][source] = funnel_json(mining.funnel(), funnel);
    std::printf("%s\n", out.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
  } else {
    print_funnel(mining.funnel(), total, kReasons);
    if (funnels.size() > 1) print_rows(mining, funnels);
  }
  return std::fflush(stdout) == 0 ? kDone : kFailed;
}

// Leaves out a change that was seen before: a cherry-pick, or a fork of the same project.
class Output {
 public:
  Output(std::FILE* file, bool counts_only, const Mining& mining) : file_(file), counts_only_(counts_only), mining_(mining) {}

  void take(const std::string& repository, const WorkResult& result) {
    auto& funnel = funnels_[repository];
    for (const auto& [counter, n] : result.funnel()) funnel[counter] += n;
    for (const auto& pair : result.pairs()) {
      if (!seen_.insert(miner::patch_id(pair.source().path(), pair.source().symbol(), pair.buggy(), pair.fixed())).second) {
        --funnel[mining_.pairs];
        ++funnel["mine.rejected.same_patch"];
      } else if (!counts_only_) {
        written_ = std::fputs((to_json(pair) + "\n").c_str(), file_) >= 0 && written_;
      }
    }
  }

  bool finish() { return (counts_only_ || std::fflush(file_) == 0) && written_; }
  const Funnels& funnels() const { return funnels_; }
  std::uint64_t count(const char* counter) const {
    std::uint64_t sum = 0;
    for (const auto& [repository, funnel] : funnels_)
      if (const auto at = funnel.find(counter); at != funnel.end()) sum += at->second;
    return sum;
  }

 private:
  std::FILE* file_;
  bool counts_only_;
  const Mining& mining_;
  bool written_ = true;
  Funnels funnels_;
  std::set<std::uint64_t> seen_;
};

constexpr const char* kHistoryColumns[] = {miner::kCommits, miner::kFixMessage, miner::kFixes, miner::kPairs};
constexpr const char* kReleaseColumns[] = {"release.steps", "release.pairs"};

}  // namespace

const Mining kMiningHistory = {"commits", miner::kCommits, miner::kPairs, kHistoryColumns, miner::mining_funnel};
const Mining kMiningReleases = {"steps", "release.steps", "release.pairs", kReleaseColumns, miner::release_funnel};

struct MiningRun::State {
  using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;
  State(const MineOptions& o, const Config& config, const Mining& m, File f)
      : options(o), mining(m), file(std::move(f)), miners(config), out(file ? file.get() : stdout, o.stats, m) {}

  MineOptions options;
  const Mining& mining;
  File file;
  Miners miners;
  Output out;
};

MiningRun::MiningRun(std::unique_ptr<State> state) : state_(std::move(state)) {}
MiningRun::~MiningRun() = default;

Result<std::unique_ptr<MiningRun>> MiningRun::start(const MineOptions& options, const Config& config, const Mining& mining) {
  State::File file(options.out.empty() ? nullptr : std::fopen(options.out.c_str(), "wb"), [](std::FILE* f) { return std::fclose(f); });
  if (!options.out.empty() && !file) return Error{ErrorCode::io_error, options.out + ": cannot be written"};
  return std::unique_ptr<MiningRun>(new MiningRun(std::make_unique<State>(options, config, mining, std::move(file))));
}

Outcome MiningRun::add(const std::vector<WorkItem>& items, const std::function<void(std::uint64_t units)>& done) {
  std::optional<Error> failure;
  in_order<std::shared_ptr<Result<WorkResult>>>(
      items.size(), state_->options.jobs, [&](std::uint64_t i) { return std::make_shared<Result<WorkResult>>(state_->miners.run(items[i])); },
      [&](std::uint64_t i, std::shared_ptr<Result<WorkResult>> result) {
        done(units_of(items[i]));
        if (*result) state_->out.take(source_of(items[i]), **result);
        else if (!failure) failure = result->error();
      });
  return failure ? Outcome(*failure) : Outcome(Done{});
}

std::uint64_t MiningRun::count(const char* counter) const { return state_->out.count(counter); }

int MiningRun::finish(const Context& context) {
  if (!state_->out.finish()) return fail({ErrorCode::io_error, "the pairs could not be written"});
  if (state_->options.stats) return print_stats(context, state_->mining, state_->out.funnels());
  note(std::to_string(count(state_->mining.pairs)) + " pairs from " + std::to_string(count(state_->mining.units)) + " " + state_->mining.unit);
  return kDone;
}

std::uint64_t units_of(const WorkItem& item) {
  if (item.has_mine_release()) return 1;
  return static_cast<std::uint64_t>((item.has_mine_github() ? item.mine_github().history() : item.mine_git()).commits_size());
}

}  // namespace mendel::cli
