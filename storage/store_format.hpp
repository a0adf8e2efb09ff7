// Two small files beside the database. FORMAT: one line "mendel-store 1", so that a version is known
// before the database is opened. CLOSED: written by an orderly end and removed by the next beginning;
// with it a cut log or a changed manifest is told from what a crash leaves.
#pragma once

#include <filesystem>

#include <cstdint>
#include <optional>

#include "proto/result.hpp"

namespace mendel::storage {

inline constexpr char kFormatFile[] = "FORMAT";

// not_found: no store there. corrupt: another format version, both named, or no such file at all.
Outcome check_format(const std::filesystem::path& folder);

// Written beside, synced, renamed.
Outcome write_format(const std::filesystem::path& folder);

inline constexpr char kClosedFile[] = "CLOSED";

struct ClosedState {
  std::uint64_t sequence = 0;  // RocksDB's number of the last write
  std::uint64_t manifest_hash = 0;  // XXH3 of the file that CURRENT names
};
// Of a database that is closed or being closed by nobody else.
Result<ClosedState> closed_state(const std::filesystem::path& folder, std::uint64_t sequence);
Outcome write_closed(const std::filesystem::path& folder, const ClosedState& state);
// Nothing after a crash, or if the file cannot be read.
std::optional<ClosedState> read_closed(const std::filesystem::path& folder);

}  // namespace mendel::storage
