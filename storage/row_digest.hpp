// The digest of a dataset: over its rows in the order of the files, whatever their compression.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "proto/ids.hpp"
#include "proto/result.hpp"
#include "proto/work.pb.h"

namespace mendel::storage {

// Hash over all columns in their order.
ContentId row_hash(const Row& row);

// Place of a row inside its split: ascending by this number, then by id.
inline std::uint64_t shuffle_key(std::uint64_t seed, const PairId& id) { return hash64(id.view(), seed); }

// A chain: each step covers the link before it and the next row.
class SplitDigest {
 public:
  void add(const Row& row) {
    link_ = ContentHash().add(link_.view()).add(row_hash(row).view()).finish();
    ++rows_;
  }
  const ContentId& link() const { return link_; }
  std::uint64_t rows() const { return rows_; }

 private:
  ContentId link_;
  std::uint64_t rows_ = 0;
};

// 32 hex digits over the three splits in order.
std::string dataset_digest(const SplitDigest& train, const SplitDigest& validation, const SplitDigest& test);

// XXH3-128 of a file in its canonical form, as `xxhsum -H2` prints it.
Result<std::string> file_checksum(const std::filesystem::path& file);

}  // namespace mendel::storage
