// What the history says about one commit, before any file is read: is it the fix of a bug in one file?
// Also tells which file contents that takes, so that a clone without them can fetch just those.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "actors/miner/repository.hpp"
#include "proto/config.pb.h"

namespace mendel::miner {

struct Fix {
  std::string hex;
  Commit commit;
  FileChange file;  // the one production file; both sides are there
  std::vector<FileChange> tests;  // test files that it changes, kTestFilesMax at most
};

struct CommitVerdict {
  std::vector<const char*> passed;  // counters of mining_funnel.hpp, in order
  std::string reason, detail;  // why it cannot be read, or which rule left it out where that is kept; else empty
  std::optional<Fix> fix;
};

// The rules in their order: readable, one parent, a .py file, not undone later, no copy of another commit,
// the message, one production file that both sides have.
CommitVerdict judge_commit(const Repository& repository, const History& history, const std::string& hex);

// Contents that the fixes of `commits` need, licence files among them; ascending, each once.
std::vector<ObjectId> contents_of_fixes(const Repository& repository, const History& history);

inline constexpr std::size_t kTestFilesMax = 4;

}  // namespace mendel::miner
