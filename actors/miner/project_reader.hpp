// Files of a project at one commit, ready to be carried with a pair; and which contents that takes, for clones without them.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "actors/miner/project_files.hpp"
#include "actors/miner/repository.hpp"

namespace mendel::miner {

// Remembers what it read. Not thread-safe.
class ProjectReader {
 public:
  explicit ProjectReader(std::uint64_t blob_bytes_max) : blob_bytes_max_(blob_bytes_max) {}

  // Null where there is no such file, or no text, or it is too large or not in this clone.
  std::shared_ptr<const CarriedFile> read(const Repository& repository, const ObjectId& tree, const std::string& path);

  // What was asked for and is not in this clone.
  const std::set<ObjectId>& missing() const { return missing_; }

 private:
  std::uint64_t blob_bytes_max_;
  std::map<ObjectId, std::shared_ptr<const CarriedFile>> known_;
  std::set<ObjectId> missing_;
};

// Contents that the tests of fixes need besides those of contents_of_fixes, which must be there, and that are not in this clone;
// ascending. Only those that files at hand import: once they are fetched, ask again, until there are none.
std::vector<ObjectId> contents_of_tests(const Repository& repository, const History& history, std::uint64_t blob_bytes_max);

}  // namespace mendel::miner
