// The items of the plant, their pairs in the order of the history.
#include "actors/cli/lint_history.hpp"

#include <limits>
#include <memory>
#include <mutex>

#include "actors/runtime/planning.hpp"
#include "actors/runtime/role_actor.hpp"
#include "proto/pair_json.hpp"

namespace mendel::cli {
namespace {

struct Items {
  std::vector<WorkItem> items;
  std::uint64_t commits = 0;
};

Result<Items> plan_items(const std::vector<std::string>& repositories, const Config& config) {
  Items out;
  for (const auto& repository : repositories) {
    auto planned = runtime::plan_lint_history(repository, config);
    if (!planned) return planned.error();
    for (auto& item : *planned) {
      out.commits += static_cast<std::uint64_t>(item.lint_history().commits_size());
      out.items.push_back(std::move(item));
    }
  }
  return out;
}

// Stages that wait for their next item; their linters are running.
class Stages {
 public:
  explicit Stages(const Config& config) : config_(config) {}

  Result<WorkResult> run(const WorkItem& item) {
    auto stage = take();
    if (!stage) return stage.error();
    auto result = (*stage)(item);
    const std::lock_guard lock(mutex_);
    idle_.push_back(*std::move(stage));
    return result;
  }

 private:
  Result<runtime::StageFunction> take() {
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        auto out = std::move(idle_.back());
        idle_.pop_back();
        return out;
      }
    }
    return runtime::start_stage(Stage::lint, config_, {});
  }

  const Config& config_;
  std::mutex mutex_;
  std::vector<runtime::StageFunction> idle_;
};

}  // namespace

int lint_history(Context context, const std::vector<std::string>& repositories, std::uint32_t jobs, std::FILE* out) {
  auto& config = context.config;
  if (config.lint().history_commits() == 0) config.mutable_lint()->set_history_commits(std::numeric_limits<std::uint32_t>::max());
  if (config.mine().clones().empty()) config.mutable_mine()->set_clones((context.data / "raw" / "git").string());
  const auto planned = plan_items(repositories, config);
  if (!planned) return fail(planned.error());
  Progress progress(context, "lint", planned->commits, "commits");
  Stages stages(config);
  std::map<std::string, std::uint64_t> funnel;
  std::optional<Error> failure;
  bool written = true;
  in_order<std::shared_ptr<Result<WorkResult>>>(
      planned->items.size(), jobs, [&](std::uint64_t i) { return std::make_shared<Result<WorkResult>>(stages.run(planned->items[i])); },
      [&](std::uint64_t i, std::shared_ptr<Result<WorkResult>> result) {
        progress.add(static_cast<std::uint64_t>(planned->items[i].lint_history().commits_size()));
        if (!*result) {
          if (!failure) failure = result->error();
          return;
        }
        for (const auto& [counter, n] : (*result)->funnel()) funnel[counter] += n;
        for (const auto& rejection : (*result)->rejections()) warn(rejection.detail());
        for (const auto& pair : (*result)->pairs()) written = std::fputs((to_json(pair) + "\n").c_str(), out) >= 0 && written;
      });
  progress.finish();
  if (failure) return fail(*failure);
  if (interrupted()) return kInterrupted;
  if (!written || std::fflush(out) != 0) return fail({ErrorCode::io_error, "the pairs could not be written"});
  note(std::to_string(funnel["lint.pairs"]) + " pairs from " + std::to_string(funnel["lint.vanished"]) + " diagnostics that disappeared in " +
       std::to_string(funnel["lint.changes"]) + " changed files of " + std::to_string(planned->commits) + " commits; " +
       std::to_string(funnel["lint.probes"]) + " parts of changes were tried");
  return kDone;
}

}  // namespace mendel::cli
