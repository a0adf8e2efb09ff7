// Cheap questions first: the message is asked after the trees only because the funnel counts in that order.
#include "actors/miner/fix_commit.hpp"

#include <algorithm>

#include "actors/miner/message_rule.hpp"
#include "actors/miner/mining_funnel.hpp"

namespace mendel::miner {
namespace {

constexpr std::size_t kEnoughToTell = 3;  // production files: two are a file that was moved

// The one production file that the commit changes, by its new name where it moved; whether a file that went
// and one that came are the same shows when their lines are compared.
std::optional<FileChange> one_file(std::vector<FileChange>& files) {
  if (files.size() == 2 && files[0].before.has_value() != files[1].before.has_value()) {
    auto &gone = files[0].before ? files[0] : files[1], &come = files[0].before ? files[1] : files[0];
    if (!gone.after && come.after) return FileChange{come.path, gone.before, come.after};
  }
  if (files.size() != 1 || !files[0].before || !files[0].after) return std::nullopt;
  return std::move(files[0]);
}

CommitVerdict refuse(CommitVerdict verdict, const char* reason, std::string detail) {
  verdict.reason = reason;
  verdict.detail = std::move(detail);
  return verdict;
}

}  // namespace

CommitVerdict judge_commit(const Repository& repository, const History& history, const std::string& hex) {
  CommitVerdict out;
  out.passed.push_back(kCommits);
  const auto id = ObjectId::from_hex(hex);
  if (!id) return refuse(std::move(out), "bad_commit_id", "40 lower-case hex digits were expected");
  auto commit = repository.commit(*id);
  if (!commit) return refuse(std::move(out), "commit_unreadable", commit.error().what);
  if (commit->parents.size() > 1) return out;
  out.passed.push_back(kNonMerge);
  std::optional<ObjectId> parent_tree;
  if (!commit->parents.empty()) {
    const auto parent = repository.tree_of(commit->parents[0]);
    if (!parent && history.shallow) {
      out.passed.push_back(kBeyondClone);
      return out;
    }
    if (!parent) return refuse(std::move(out), "parent_unreadable", parent.error().what);
    parent_tree = *parent;
  }
  auto changes = repository.python_changes(parent_tree, commit->tree, kEnoughToTell, kTestFilesMax);
  if (!changes) return refuse(std::move(out), "tree_unreadable", changes.error().what);
  if (!changes->any) return out;
  out.passed.push_back(kTouchesPython);
  if (!is_bug_fix(commit->message)) return out;
  out.passed.push_back(kFixMessage);
  auto file = one_file(changes->production);
  if (!file) return out;
  out.passed.push_back(kOneFile);
  if (history.reverted.contains(*id)) return refuse(std::move(out), "undone_later", "a later commit reverts it");
  if (history.copies.contains(*id)) return refuse(std::move(out), "cherry_pick", "the commit it was picked from is in the history as well");
  out.fix = Fix{hex, *std::move(commit), *std::move(file), std::move(changes->tests)};
  return out;
}

std::vector<ObjectId> contents_of_fixes(const Repository& repository, const History& history) {
  std::vector<ObjectId> out;
  for (const auto& id : history.commits) {
    const auto verdict = judge_commit(repository, history, id.hex());
    if (!verdict.fix) continue;
    std::vector<FileChange> files = verdict.fix->tests;
    files.push_back(verdict.fix->file);
    for (const auto& file : files)
      for (const auto& side : {file.before, file.after})
        if (side) out.push_back(*side);
    for (const auto& license : repository.license_files(verdict.fix->commit.tree)) out.push_back(license);
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

}  // namespace mendel::miner
