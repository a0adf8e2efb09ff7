// The package index as the installed pip is configured: which archives a package has, and one of them. pip's own
// classes look up and download; nothing of a package is ever built or run.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "actors/miner/release_name.hpp"
#include "proto/config.pb.h"
#include "proto/result.hpp"

namespace mendel::miner {

// A folder of archives (something with a '/', or "."); else the name of a package.
bool is_release_folder(const std::string& package);

// Ascending by version, one archive a version: Release.file is a path for a folder, a file name for a package.
// If the index cannot be asked, what earlier runs downloaded to mine.releases. Errors: invalid_input (no package
// name), not_found (no such folder, or no final release), unavailable (no pip, no index, and nothing downloaded).
Result<std::vector<Release>> releases_of(const std::string& package, const Config& config);

// The path of an archive that releases_of named, downloaded to mine.releases if it is not there yet. Safe against
// others that download the same. Errors: unavailable, too_large, corrupt (its hash is not the index's).
Result<std::string> release_file(const std::string& package, const std::string& file, const Config& config);

}  // namespace mendel::miner
