// From the configured sources to work items: Python files become one mutation item each and linter items
// of several files; repositories of git and of GitHub become ranges of commits, packages steps from release to
// release, dumps batches of questions with their answers.
//
// Deterministic: the same sources and configuration give the same items in the same order (by the hash
// of repository and path), whatever order the file system lists them in.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "proto/config.pb.h"
#include "proto/result.hpp"
#include "proto/work.pb.h"

namespace mendel::runtime {

struct PlanSink {
  // A batch of items; an error stops the planning.
  std::function<Outcome(std::vector<WorkItem>)> items;
  std::function<void(Rejection)> rejected;
  std::function<bool()> stopped;  // asked between files
  std::function<void(const std::string&)> tell;  // one line for people
};

// Reason of the rejection that says that a whole source ended before its time; its subject is the source.
inline constexpr const char* kSourceStopped = "source_stopped";

// Blocks on the file system and on git; URLs are cloned to mine.clones. Errors: a configured source that
// does not exist (not_found names it), interrupted. What lies inside a source and cannot be used
// (unreadable, a link, too large, empty) is a rejection.
Outcome plan_sources(const Config& config, const PlanSink& sink);

// The newest lint.history_commits of a repository as items of the linter, a few commits each, because linting a version takes
// long. Errors: those of miner::plan.
Result<std::vector<WorkItem>> plan_lint_history(const std::string& repository, const Config& config);

// One Python file as it is found, not yet read.
struct FoundFile {
  std::filesystem::path file;
  std::string repository;  // top-level package or module below the folder given
  std::string path;  // relative to the folder given, '/' separated
  std::string license;
};

// All files of sources.python after exclude, chosen and ordered by hash.
Result<std::vector<FoundFile>> find_python_files(const Config& config, const std::function<void(Rejection)>& rejected);

}  // namespace mendel::runtime
