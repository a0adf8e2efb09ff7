// Which commits to look at: the history of a repository in pieces of one work item each.
#pragma once

#include <string>
#include <vector>

#include "proto/config.pb.h"
#include "proto/result.hpp"

namespace mendel::miner {

// Hex ids in walk order (children before parents, newest first, then by id), Mine.commits_per_item
// in each piece, the newest Mine.commits_max of them if that is not 0. The same history gives the
// same plan. Empty for a repository without commits. An https address is cloned first. Blocks.
// Errors: not_found, corrupt, invalid_input (address), io_error (clone).
Result<std::vector<std::vector<std::string>>> plan(const std::string& repository, const Config& config);

}  // namespace mendel::miner
