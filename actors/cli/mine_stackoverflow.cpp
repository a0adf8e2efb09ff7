// Dump → items on one thread, items → pairs on all of them, in the order of the questions' ids.
#include "actors/cli/mine_stackoverflow.hpp"

#include <cstdio>
#include <mutex>

#include "actors/cleaner/cleaning.hpp"
#include "actors/cli/funnel_text.hpp"
#include "actors/miner/stackoverflow/dump_funnel.hpp"
#include "actors/miner/stackoverflow/dump_reader.hpp"
#include "actors/miner/stackoverflow/stackoverflow_stage.hpp"
#include "proto/pair_json.hpp"

namespace mendel::cli {
namespace {

struct DumpOptions {
  std::string file;
  std::uint32_t min_score = 0;
  bool min_score_given = false, stats = false;
  std::uint32_t jobs = 1, seed = 0;
  std::string out;
};

using miner::StackoverflowStage;

constexpr std::size_t kItemsPerJob = 8;  // kept before a round of mining

class DumpMiner {
 public:
  DumpMiner(const Context& context, const DumpOptions& options, const Config& config, std::FILE* out)
      : options_(options), config_(config), out_(out), progress_(context, "unpack", 0, "MB") {}

  Outcome run() {
    miner::DumpSinks sinks;
    sinks.item = [this](WorkItem item) -> Outcome {
      items_.push_back(std::move(item));
      return items_.size() < kItemsPerJob * options_.jobs ? Outcome(Done{}) : mine();
    };
    sinks.going_on = [this](const miner::DumpProgress& now) {
      progress_.tell(std::to_string(now.rows) + " posts, " + std::to_string(now.unpacked >> 20) + " MB unpacked, " +
                     (now.threads > 0 ? std::to_string(now.threads) + " questions joined, " : "") + std::to_string(funnel_[miner::kDumpPairs]) + " pairs");
      progress_.set(now.packed >> 20, now.packed_total >> 20);
      return !interrupted();
    };
    auto read = miner::read_dump(options_.file, config_, sinks);
    if (read) read = mine();
    progress_.finish();
    return read;
  }

  const Funnel& funnel() const { return funnel_; }

 private:
  Outcome mine() {
    Outcome outcome = Done{};
    in_order<std::shared_ptr<Result<WorkResult>>>(
        items_.size(), options_.jobs, [this](std::uint64_t i) { return std::make_shared<Result<WorkResult>>(run_item(items_[i])); },
        [&](std::uint64_t, std::shared_ptr<Result<WorkResult>> result) {
          if (!*result) {
            if (outcome) outcome = result->error();
            return;
          }
          for (const auto& [counter, n] : (*result)->funnel()) funnel_[counter] += n;
          if (options_.stats) return;
          for (const auto& pair : (*result)->pairs())
            if (std::fputs((to_json(pair) + "\n").c_str(), out_) < 0 && outcome) outcome = Error{ErrorCode::io_error, "the pairs could not be written"};
        });
    items_.clear();
    return interrupted() ? Error{ErrorCode::interrupted, "interrupted"} : outcome;
  }

  // Stages hold a parser: one a thread, handed on.
  Result<WorkResult> run_item(const WorkItem& item) {
    std::unique_ptr<StackoverflowStage> stage;
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) stage = std::move(idle_.back()), idle_.pop_back();
    }
    if (!stage) {
      auto started = StackoverflowStage::start(config_);
      if (!started) return started.error();
      stage = std::move(*started);
    }
    auto result = stage->run(item);
    if (result) cleaner::clean_result(*result, config_.clean());
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(stage));
    return result;
  }

  const DumpOptions& options_;
  const Config& config_;
  std::FILE* out_;
  Progress progress_;
  std::vector<WorkItem> items_;
  Funnel funnel_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<StackoverflowStage>> idle_;
};

constexpr FunnelReasons kReasons[] = {{"stackoverflow.left_out.", "rows left out, by reason:"},
                                      {"stackoverflow.rejected.", "answers that gave no pair, by reason:"}};

int print_stats(const Context& context, const Funnel& funnel) {
  if (context.json) std::printf("%s\n", funnel_json(miner::dump_funnel(), funnel).dump().c_str());
  else print_funnel(miner::dump_funnel(), funnel, kReasons);
  return std::fflush(stdout) == 0 ? kDone : kFailed;
}

int mine(const Context& context, const DumpOptions& options) {
  auto config = context.config;
  auto& settings = *config.mutable_stackoverflow();
  if (settings.scratch().empty()) settings.set_scratch((context.data / "raw" / "stackoverflow").string());
  if (options.min_score_given) settings.set_min_score(options.min_score);
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(options.out.empty() ? nullptr : std::fopen(options.out.c_str(), "wb"),
                                                             [](std::FILE* f) { return std::fclose(f); });
  if (!options.out.empty() && !file) return fail({ErrorCode::io_error, options.out + ": cannot be written"});
  std::FILE* out = file ? file.get() : stdout;
  DumpMiner miner(context, options, config, out);
  if (auto mined = miner.run(); !mined) return fail(mined.error());
  auto funnel = miner.funnel();
  if (options.stats) return print_stats(context, funnel);
  if (std::fflush(out) != 0) return fail({ErrorCode::io_error, "the pairs could not be written"});
  note(std::to_string(funnel[miner::kDumpPairs]) + " pairs from " + std::to_string(funnel[miner::kThreads]) + " threads of " +
       std::to_string(funnel[miner::kPosts]) + " posts");
  return kDone;
}

}  // namespace

std::function<int()> declare_mine_stackoverflow(CLI::App& mine_app, Context& context, CLI::App*& declared) {
  const auto options = std::make_shared<DumpOptions>();
  options->jobs = std::max(1u, std::thread::hardware_concurrency());
  auto* app = declared = mine_app.add_subcommand("stackoverflow", "questions and answers of a Stack Exchange dump")->fallthrough();
  app->add_option("FILE", options->file, "Posts.xml, Posts.7z (or .xml.gz, .bz2, .xz, .zst), or - for stdin")->required();
  auto* score = app->add_option("--min-score", options->min_score, "answers scored lower are passed over (default: stackoverflow.min_score)")->check(CLI::Range(0u, 1000000u));
  app->add_flag("--stats", options->stats, "print the funnel, from rows to pairs, instead of the pairs");
  app->add_option("--jobs", options->jobs, "threads (default: all cores); the output does not depend on it")->check(CLI::Range(1u, 1024u));
  app->add_option("--out", options->out, "file to write to (default: stdout)");
  app->add_option("--seed", options->seed, "accepted everywhere; mining makes no random choice");
  return [options, score, &context] {
    options->min_score_given = score->count() > 0;
    return mine(context, *options);
  };
}

}  // namespace mendel::cli
