// Local copies of https repositories: bare, without submodules or hooks, bounded in time and size, and
// without the file contents that no fix needs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "proto/config.pb.h"
#include "proto/result.hpp"

namespace mendel::miner {

// Anything with "://" and git's own address forms (HOST:PATH, ext::…); the rest is a local folder.
bool is_remote(std::string_view repository);

// https://HOST…, or plain http on a loopback address (for a server of one's own); no user, no password,
// nothing but printable ASCII.
bool is_clonable_address(std::string_view url);

// Folder of a repository that can be opened: `repository` itself if it is local, else its clone under
// config.mine().clones(), made if it is not there yet. Safe to call from several threads and processes.
// With mine.partial_clones a clone holds all commits and trees, but only those file contents that fixes
// and their tests need; they are fetched once, the imports of tests in a few rounds. invalid_input for any address that is not clonable; io_error with
// what git said. A redirect is an error: whoever moved is to be named by the new address.
Result<std::string> local_repository(const std::string& repository, const Config& config);

}  // namespace mendel::miner
