// The finished dataset: a folder of Parquet shards, the tokenizer's files and manifest.json.
//
// On the data's way: written once by the reduce from all rows, read by trainers, people and other
// tools. The same rows and seed give the same files byte for byte, in whatever order rows come in.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "proto/result.hpp"
#include "proto/work.pb.h"

namespace mendel::storage {

inline constexpr int kDatasetSchemaVersion = 2;

enum class SplitName { train, validation, test };
const char* name_of(SplitName split);

struct DatasetOptions {
  std::uint64_t seed = 7;
  std::uint32_t rows_per_shard = 10000;
  std::uint32_t memory_mib = 256;  // bound of the external shuffle
  int compression_level = 3;
};

// Facts that go into manifest.json beside what the writer counts itself. JSON texts are objects.
struct ManifestFacts {
  std::string configuration_json;
  std::string configuration_hash;
  std::map<std::string, std::string> tool_versions;
  std::map<std::string, std::uint64_t> rejected_by_reason;
  std::map<std::string, std::uint64_t> funnel;
  std::string tokenizer_hash;
  std::uint32_t vocabulary = 0;
};

// Not thread-safe. Rows are spilled to sorted runs in `folder`.partial and merged by finish; the order
// inside a split is the hash of (seed, id). Nothing is visible at `folder` before finish has renamed it.
class DatasetWriter {
 public:
  static Result<std::unique_ptr<DatasetWriter>> create(const std::filesystem::path& folder, DatasetOptions options);
  virtual ~DatasetWriter() = default;  // without finish: removes what was written
  virtual Outcome add(SplitName split, const Row& row) = 0;
  // `tokenizer_files` (name, content) are stored beside the manifest. Answers the digest (32 hex).
  virtual Result<std::string> finish(const ManifestFacts& facts,
                                     const std::vector<std::pair<std::string, std::string>>& tokenizer_files) = 0;
};

// Thread-safe for reads. Every error names file, row and column.
class DatasetReader {
 public:
  static Result<std::unique_ptr<DatasetReader>> open(const std::filesystem::path& folder);
  virtual ~DatasetReader() = default;
  virtual const std::string& manifest_json() const = 0;
  virtual std::string digest() const = 0;
  virtual std::uint64_t rows(SplitName split) const = 0;
  // Streams rows in file order in bounded memory; `visit` answers false to stop.
  virtual Outcome each(SplitName split, const std::function<bool(const Row&)>& visit) const = 0;
  // The same of one of its files, from 0 to below shards(split).
  virtual std::size_t shards(SplitName split) const = 0;
  virtual Outcome each_of_shard(SplitName split, std::size_t shard, const std::function<bool(const Row&)>& visit) const = 0;
  // Recomputes digest and checks ranges, counts and checksums of all files.
  virtual Outcome verify() const = 0;
};

}  // namespace mendel::storage
