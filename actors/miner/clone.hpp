// Local copies of https repositories: bare, without submodules or hooks, bounded in time and size.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "proto/config.pb.h"
#include "proto/result.hpp"

namespace mendel::miner {

// Anything with "://" and git's own address forms (HOST:PATH, ext::…); the rest is a local folder.
bool is_remote(std::string_view repository);

// Folder of a repository that can be opened: `repository` itself if it is local, else its clone under
// config.mine().clones(), made if it is not there yet. Safe to call from several threads and processes.
// invalid_input for any address but plain https without a password; io_error with what git said.
Result<std::string> local_repository(const std::string& repository, const Config& config);

}  // namespace mendel::miner
