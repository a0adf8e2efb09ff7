// Sources → work items: ranges of commits (to mine and to lint), questions of dumps, one file to mutate, several files to lint.
#include <algorithm>
#include <fstream>
#include <iterator>

#include "actors/miner/git_plan.hpp"
#include "actors/miner/release_stage.hpp"
#include "actors/miner/stackoverflow/dump_reader.hpp"
#include "actors/mutator/mutator_stage.hpp"
#include "actors/runtime/github_source.hpp"
#include "actors/runtime/planning.hpp"

namespace mendel::runtime {
namespace {

constexpr std::size_t kBatchItems = 512;  // handed to the sink at once
constexpr std::size_t kBatchBytes = 4u << 20;
constexpr std::uint32_t kLintCommits = 64;  // in one item
constexpr std::size_t kLintBytes = 512u << 10;  // of the files in one item, so that a lease stays small

// Collects items and hands them on in batches of bounded size.
class Batch {
 public:
  explicit Batch(const PlanSink& sink) : sink_(sink) {}

  Outcome add(WorkItem item) {
    bytes_ += item.ByteSizeLong();
    items_.push_back(std::move(item));
    return items_.size() < kBatchItems && bytes_ < kBatchBytes ? Outcome(Done{}) : hand_over();
  }

  Outcome hand_over() {
    if (sink_.stopped()) return Error{ErrorCode::interrupted, "interrupted while planning"};
    bytes_ = 0;
    return items_.empty() ? Outcome(Done{}) : sink_.items(std::exchange(items_, {}));
  }

 private:
  const PlanSink& sink_;
  std::vector<WorkItem> items_;
  std::size_t bytes_ = 0;
};

Outcome plan_git(const std::string& repository, const Config& config, Batch& batch) {
  auto ranges = miner::plan(repository, config);
  if (!ranges) return Error{ranges.error().code, "sources.git: " + ranges.error().what};
  for (auto& commits : *ranges) {
    WorkItem item;
    item.set_stage(Stage::mine_git);
    item.mutable_mine_git()->set_repository(repository);
    item.mutable_mine_git()->mutable_commits()->Assign(commits.begin(), commits.end());
    if (auto added = batch.add(std::move(item)); !added) return added;
  }
  auto linted = config.lint().history_commits() > 0 ? plan_lint_history(repository, config) : std::vector<WorkItem>();
  if (!linted) return linted.error();
  for (auto& item : *linted)
    if (auto added = batch.add(std::move(item)); !added) return added;
  return batch.hand_over();
}

// A package that cannot be had is told and costs nothing else: the index is a source of others.
Outcome plan_release(const std::string& package, const Config& config, const PlanSink& sink, Batch& batch) {
  auto steps = miner::plan_releases(package, config);
  if (!steps && steps.error().code == ErrorCode::invalid_input) return Error{steps.error().code, "sources.releases: " + steps.error().what};
  if (!steps) {
    Rejection rejection;
    rejection.set_subject(package);
    rejection.set_reason("no_releases");
    rejection.set_detail(steps.error().what);
    sink.rejected(std::move(rejection));
    return Done{};
  }
  for (auto& step : *steps) {
    WorkItem item;
    item.set_stage(Stage::mine_release);
    *item.mutable_mine_release() = std::move(step);
    if (auto added = batch.add(std::move(item)); !added) return added;
  }
  return batch.hand_over();
}

Rejection rejection_of(const std::string& subject, const char* reason, const std::string& detail) {
  Rejection out;
  out.set_subject(subject);
  out.set_reason(reason);
  out.set_detail(detail);
  return out;
}

// What stops the whole source (a refused token, a limit that lasts too long) is kept as a rejection; the
// other sources go on.
Outcome plan_github(const Config& config, const PlanSink& sink, Batch& batch) {
  if (!wants_github(config)) return Done{};
  const auto report = ask_github(config, config.github().cache(), sink.stopped, sink.tell);
  if (!report && (report.error().code == ErrorCode::interrupted || report.error().code == ErrorCode::invalid_input || report.error().code == ErrorCode::not_found))
    return report.error();
  if (!report) {
    sink.tell(report.error().what);
    sink.rejected(rejection_of("github", kSourceStopped, report.error().what));
    return Done{};
  }
  sink.tell(describe(*report));
  for (auto left_out : report->discovery.left_out) sink.rejected(std::move(left_out));
  for (const auto& repository : report->discovery.repositories) {
    if (sink.stopped()) return Error{ErrorCode::interrupted, "interrupted while planning"};
    auto items = github_items(repository, report->web, config);
    if (!items) sink.rejected(rejection_of(repository.name, items.error().code == ErrorCode::io_error ? "clone_failed" : "repository_unreadable", items.error().what));
    else if (items->empty()) sink.rejected(rejection_of(repository.name, "empty", "has no commits"));
    else
      for (auto& item : *items)
        if (auto added = batch.add(std::move(item)); !added) return added;
  }
  return batch.hand_over();
}

Outcome plan_stackoverflow(const std::string& dump, const Config& config, const PlanSink& sink, Batch& batch) {
  miner::DumpSinks sinks;
  sinks.item = [&batch](WorkItem item) { return batch.add(std::move(item)); };
  sinks.going_on = [&sink](const miner::DumpProgress&) { return !sink.stopped(); };
  if (auto read = miner::read_dump(dump, config, sinks); !read) return Error{read.error().code, "sources.stackoverflow: " + read.error().what};
  return batch.hand_over();
}

Result<SourceFile> read_source(const FoundFile& found, std::uint64_t bytes_max) {
  std::ifstream file(found.file, std::ios::binary);
  SourceFile out;
  if (file) out.mutable_text()->assign(std::istreambuf_iterator<char>(file), {});
  if (!file || file.bad()) return Error{ErrorCode::io_error, "cannot be read"};
  if (out.text().size() > bytes_max) return Error{ErrorCode::too_large, "grew past sources.file_bytes_max while it was read"};
  out.set_repository(found.repository);
  out.set_path(found.path);
  out.set_license(found.license);
  return out;
}

// The class weights that all mutation items carry, fitted to the first files (they are in the order of their
// hashes, so these are a sample); nothing if the configuration asks for no mix.
Result<std::vector<double>> fitted_class_weights(const Config& config, const std::vector<FoundFile>& files, const PlanSink& sink) {
  std::vector<double> out;
  if (!mutator::wants_class_mix(config)) return out;
  auto stage = mutator::MutatorStage::start(config);
  if (!stage) return stage.error();
  mutator::ClassMix mix;
  for (std::size_t i = 0; i < std::min(files.size(), mutator::kMixFilesMax); ++i) {
    if (sink.stopped()) return Error{ErrorCode::interrupted, "interrupted while planning"};
    if (const auto file = read_source(files[i], config.sources().file_bytes_max()))
      for (const auto& places : (*stage)->places(*file)) mix.add(places);
  }
  if (mix.empty()) return out;
  const auto weights = mutator::class_weights(config, mix);
  out.assign(weights.begin(), weights.end());
  return out;
}

Outcome plan_python(const Config& config, const PlanSink& sink, Batch& batch) {
  auto files = find_python_files(config, sink.rejected);
  if (!files) return files.error();
  const auto weights = fitted_class_weights(config, *files, sink);
  if (!weights) return weights.error();
  WorkItem lint;
  lint.set_stage(Stage::lint);
  std::size_t lint_bytes = 0;
  const auto hand_over_lint = [&]() -> Outcome {
    lint_bytes = 0;
    if (lint.lint().files_size() == 0) return Done{};
    WorkItem item = lint;
    lint.mutable_lint()->clear_files();
    return batch.add(std::move(item));
  };
  for (const auto& found : *files) {
    if (sink.stopped()) return Error{ErrorCode::interrupted, "interrupted while planning"};
    auto file = read_source(found, config.sources().file_bytes_max());
    if (!file) {
      sink.rejected(rejection_of(found.file.string(), file.error().code == ErrorCode::too_large ? "too_large" : "unreadable", file.error().what));
      continue;
    }
    WorkItem mutate;
    mutate.set_stage(Stage::mutate);
    *mutate.mutable_mutate()->add_files() = *file;
    mutate.mutable_mutate()->mutable_class_weights()->Assign(weights->begin(), weights->end());
    if (auto added = batch.add(std::move(mutate)); !added) return added;
    lint_bytes += file->text().size();
    *lint.mutable_lint()->add_files() = std::move(*file);
    if (lint_bytes < kLintBytes && lint.lint().files_size() < static_cast<int>(config.lint().files_per_item())) continue;
    if (auto added = hand_over_lint(); !added) return added;
  }
  if (auto added = hand_over_lint(); !added) return added;
  return batch.hand_over();
}

}  // namespace

Result<std::vector<WorkItem>> plan_lint_history(const std::string& repository, const Config& config) {
  auto bounded = config;
  auto& mine = *bounded.mutable_mine();
  mine.set_commits_max(mine.commits_max() == 0 ? config.lint().history_commits() : std::min(mine.commits_max(), config.lint().history_commits()));
  mine.set_commits_per_item(std::min(mine.commits_per_item(), kLintCommits));
  const auto ranges = miner::plan(repository, bounded);
  if (!ranges) return ranges.error();
  std::vector<WorkItem> out;
  for (const auto& commits : *ranges) {
    auto& item = out.emplace_back();
    item.set_stage(Stage::lint);
    item.mutable_lint_history()->set_repository(repository);
    item.mutable_lint_history()->mutable_commits()->Assign(commits.begin(), commits.end());
  }
  return out;
}

Outcome plan_sources(const Config& config, const PlanSink& sink) {
  Batch batch(sink);
  for (const auto& repository : config.sources().git())
    if (auto planned = plan_git(repository, config, batch); !planned) return planned;
  if (auto planned = plan_github(config, sink, batch); !planned) return planned;
  for (const auto& dump : config.sources().stackoverflow())
    if (auto planned = plan_stackoverflow(dump, config, sink, batch); !planned) return planned;
  for (const auto& package : config.sources().releases())
    if (auto planned = plan_release(package, config, sink, batch); !planned) return planned;
  return plan_python(config, sink, batch);
}

}  // namespace mendel::runtime
