// One Parquet file of a dataset. Settings are fixed, so equal rows give equal bytes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>

#include "proto/result.hpp"
#include "proto/work.pb.h"

namespace mendel::storage {

// Rows of one row group, of which only finished pages are held.
inline constexpr std::int64_t kRowGroupRows = 16384;

class ShardWriter {
 public:
  static Result<std::unique_ptr<ShardWriter>> create(const std::filesystem::path& file, int compression_level);
  virtual ~ShardWriter() = default;
  virtual Outcome add(const Row& row) = 0;
  // The file is on disk afterwards.
  virtual Outcome finish() = 0;
};

// Streams the rows; every error names file, row and column. `visit` answers false to stop; its own
// errors open with the name of a column. Answers whether it went to the end.
Result<bool> read_shard(const std::filesystem::path& file, const std::function<Result<bool>(const Row&)>& visit);

}  // namespace mendel::storage
