// Files that are on disk when the call answers.
#pragma once

#include <filesystem>
#include <string_view>

#include "proto/result.hpp"

namespace mendel::storage {

// Writes beside `file`, syncs, renames over it and syncs the folder: readers see the old or the new.
Outcome write_durably(const std::filesystem::path& file, std::string_view content);

// fsync of a file or of a folder (the names in it). io_error names it.
Outcome sync_path(const std::filesystem::path& path);

}  // namespace mendel::storage
