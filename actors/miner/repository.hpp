// A git repository, read only: its history, what a commit changed, the bytes of a file. Besides
// object_store.hpp the one place that knows libgit2. Hooks, filters, submodules and the user's git
// configuration are never looked at.
//
// Objects are taken raw from the object database and parsed here: no index, no diff of unchanged
// folders, no check of hashes (a wrong byte shows up as a corrupt object or as code that does not parse).
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "proto/result.hpp"

struct git_odb;
struct git_repository;

namespace mendel::miner {

struct ObjectId {
  std::array<std::uint8_t, 20> bytes{};
  auto operator<=>(const ObjectId&) const = default;
  std::string hex() const;
  static std::optional<ObjectId> from_hex(std::string_view text);  // exactly 40 lower-case digits
};

struct Commit {
  ObjectId tree;
  std::vector<ObjectId> parents;
  std::int64_t time_s = 0;  // of the committer, since 1970
  std::string author;  // name alone, UTF-8 (other bytes are replaced)
  std::string message;
};

// Commits reachable from HEAD, children before their parents, then newest first, then by id: the same
// order for the same history, however it is packed.
struct History {
  std::vector<ObjectId> commits;
  std::optional<ObjectId> root;  // smallest commit without parents; forks of one project share it
  bool shallow = false;  // older commits are not in this clone; then `root` is empty
  // By what messages say ("This reverts commit …", "cherry picked from commit …") of commits that are here.
  std::set<ObjectId> reverted;  // and not put back later
  std::set<ObjectId> copies;  // cherry-picks of others
};

// A regular .py file that differs between two trees. Links and submodules are passed over.
struct FileChange {
  std::string path;
  std::optional<ObjectId> before, after;  // nothing: added, removed
};

struct PythonChanges {
  bool any = false;  // a .py file was touched
  std::vector<FileChange> production;  // see production_path.hpp; no more than asked for
  std::vector<FileChange> tests;  // likewise, while production files were looked for
};

// Not thread-safe: open one a thread.
class Repository {
 public:
  // A bare repository or a work tree; parents are not searched. not_found, or corrupt with what is wrong.
  static Result<Repository> open(const std::string& path);
  Repository(Repository&&) noexcept;
  Repository& operator=(Repository&&) noexcept;
  ~Repository();

  // Empty for a repository without commits. corrupt if a commit is missing that is not beyond the end
  // of a shallow clone. O(commits) memory: about 100 bytes each.
  Result<History> history() const;

  // The commit that HEAD names; nothing if there is none.
  std::optional<ObjectId> head() const;

  Result<Commit> commit(const ObjectId& id) const;
  Result<ObjectId> tree_of(const ObjectId& commit) const;

  // `before` empty: the empty tree. Stops looking after `production_max` production files.
  Result<PythonChanges> python_changes(const std::optional<ObjectId>& before, const ObjectId& after,
                                       std::size_t production_max, std::size_t tests_max = 0) const;

  // too_large above `bytes_max`, told before the bytes are unpacked.
  Result<std::string> blob(const ObjectId& id, std::uint64_t bytes_max) const;

  // The file at `path` below `tree`; nothing where there is none, or a link. Remembers the folders that it read.
  std::optional<ObjectId> file_at(const ObjectId& tree, std::string_view path) const;

  bool holds(const ObjectId& id) const;

  // Licence files at the root of `tree`.
  std::vector<ObjectId> license_files(const ObjectId& tree) const;

  // SPDX id guessed from the licence file at the root of `tree`; empty if there is none or it is unknown.
  std::string license(const ObjectId& tree) const;

  // URL of the remote "origin" as https://HOST/PATH if it is one, else the folder's name: never a path.
  const std::string& name() const { return name_; }

 private:
  struct Close {
    void operator()(git_repository* repository) const;
    void operator()(git_odb* odb) const;
  };
  struct Known;
  Repository();

  std::unique_ptr<git_repository, Close> repository_;
  std::unique_ptr<git_odb, Close> odb_;
  std::unique_ptr<Known> known_;
  std::string name_;
};

}  // namespace mendel::miner
