// Where the objects of a repository lie: its packs by libgit2, its loose objects by loose_object.hpp,
// and the same of the folders that objects/info/alternates names.
#pragma once

#include <string>

#include "proto/result.hpp"

struct git_odb;

namespace mendel::miner {

// The database over `folder`, a repository's "objects"; the caller frees it by git_odb_free. Alternates
// are followed kAlternatesDepthMax deep, kAlternatesMax of them at most; what is not there is passed over.
// corrupt with the file if an index of a pack is damaged.
Result<git_odb*> open_objects(const std::string& folder);

inline constexpr std::size_t kAlternatesDepthMax = 5, kAlternatesMax = 64;

}  // namespace mendel::miner
