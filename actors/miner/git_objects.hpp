// The bytes of git's commit and tree objects, parsed in place.
#pragma once

#include <optional>
#include <string_view>

#include "actors/miner/repository.hpp"

namespace mendel::miner {

// Nothing if the object has no tree line or a broken parent line.
std::optional<Commit> parse_commit(std::string_view object);

// Only what the walk needs; the message points into the object.
struct CommitLinks {
  ObjectId tree;
  std::vector<ObjectId> parents;
  std::int64_t time_s = 0;
  std::string_view message;
};
std::optional<CommitLinks> parse_links(std::string_view object);

struct TreeEntry {
  std::uint32_t mode = 0;  // as in the object, octal: 0100644 file, 040000 folder, 0120000 link, 0160000 submodule
  std::string_view name;  // points into the object
  ObjectId id;

  bool is_folder() const { return (mode & 0170000) == 0040000; }
  bool is_file() const { return (mode & 0170000) == 0100000; }
};

// Reads entries one by one. `corrupt()` after `next()` answered nothing tells damage from the end.
class TreeReader {
 public:
  explicit TreeReader(std::string_view object) : rest_(object) {}
  std::optional<TreeEntry> next();
  bool corrupt() const { return corrupt_; }

 private:
  std::string_view rest_;
  bool corrupt_ = false;
};

// Order of entries inside a tree object: a folder's name counts as if '/' stood behind it.
int compare_entries(const TreeEntry& a, const TreeEntry& b);

}  // namespace mendel::miner
