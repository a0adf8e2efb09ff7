// Sorts more rows than fit into memory: sorted runs in files, merged at the end.
//
// A run is a sequence of records: split (1 byte), shuffle key (8), pair id (16), size (4), packed row;
// numbers little-endian. A packed row is both grids without what is empty at the end of their rows (64
// counts, then the cells), and the rest of the row as a message: a tenth of the bytes. Runs live only
// while a dataset is being written.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "proto/ids.hpp"
#include "proto/result.hpp"
#include "proto/work.pb.h"

namespace mendel::storage {

// Not thread-safe. Order: split, then shuffle key, then id. What comes out does not depend on the
// order of adding nor on `memory_bytes`.
class RowShuffle {
 public:
  RowShuffle(std::filesystem::path folder, std::uint64_t seed, std::uint64_t memory_bytes);

  // Both grids must have their full size (check_row).
  Outcome add(std::uint8_t split, const PairId& id, const Row& row);

  // Calls `visit` with every row in order; invalid_input if an id came twice within a split.
  Outcome each(const std::function<Outcome(std::uint8_t split, const Row& row)>& visit);

 private:
  struct Record {
    std::uint8_t split;
    std::uint64_t key;
    PairId id;
    std::string row;  // packed
    auto place() const { return std::tie(split, key, id); }
  };
  class Run;
  using Visit = std::function<Outcome(const Record&)>;

  Outcome spill();
  Outcome merge_runs(const Visit& visit);
  std::filesystem::path next_file() { return folder_ / ("run-" + std::to_string(files_++)); }

  std::filesystem::path folder_;
  std::uint64_t seed_, memory_bytes_;
  std::vector<Record> records_;
  Row rest_;  // the row being packed, without its grids
  std::uint64_t bytes_ = 0;
  std::vector<std::filesystem::path> runs_;
  std::uint64_t files_ = 0;
};

}  // namespace mendel::storage
