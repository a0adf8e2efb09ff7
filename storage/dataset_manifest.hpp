// manifest.json: what a dataset holds, so that reader, people and other tools need not open a shard.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "proto/result.hpp"
#include "storage/dataset.hpp"

namespace mendel::storage {

inline constexpr char kManifestFile[] = "manifest.json";
inline constexpr int kSplitCount = 3;

struct ManifestFile {
  std::string path;  // relative to the dataset, '/' separated
  std::uint64_t bytes = 0;
  std::uint64_t rows = 0;  // 0 for the tokenizer's files
  std::string checksum;  // XXH3-128, 32 hex
};

struct SplitCounts {
  std::uint64_t rows = 0;
  std::map<std::string, std::uint64_t> by_class, by_type, by_source, by_level, by_license;

  void add(const Row& row);
};

struct Manifest {
  std::string digest;
  std::uint64_t seed = 0;
  std::uint32_t vocabulary = 0;
  SplitCounts counts[kSplitCount];
  std::vector<ManifestFile> shards[kSplitCount];
  std::vector<ManifestFile> other_files;
  std::string text;  // the file as it is

  // invalid_input if configuration_json is no JSON object.
  static Result<std::string> write(const Manifest& manifest, const ManifestFacts& facts);
  // corrupt names the file and the field.
  static Result<Manifest> read(const std::filesystem::path& folder);
};

}  // namespace mendel::storage
