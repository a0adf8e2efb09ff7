// What a release archive holds, read in memory: nothing of it is written to disk and nothing is run, so names
// that climb out of a folder, links and setup scripts have no effect.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "proto/result.hpp"

namespace mendel::miner {

struct ArchiveLimits {
  std::uint64_t bytes_max = 64u << 20;  // of the archive, and of what it unpacks to
  std::uint64_t file_bytes_max = 1u << 20;  // larger Python files are passed over
  std::uint32_t entries_max = 20000;
};

struct ReleaseTree {
  std::map<std::string, std::string> python;  // path below the package root → text, production code only
  std::string changelog;  // empty if there is none
  std::string license;  // SPDX id, empty if unknown
  std::string url;  // of the source code, as its metadata says
  std::map<std::string, std::uint64_t> left_out;  // reason → entries: bad_path, not_a_file, too_large
};

// Source archives (tar, zip) and wheels. The folder that a source archive wraps around everything, and src/, are
// taken off the paths. Errors: not_found, too_large (names the limit), corrupt. Deterministic.
Result<ReleaseTree> read_release(const std::string& file, const ArchiveLimits& limits);

}  // namespace mendel::miner
