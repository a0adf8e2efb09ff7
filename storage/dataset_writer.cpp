// Rows → runs → shards in shuffled order → manifest → one rename.
#include <fcntl.h>
#include <stdio.h>

#include <cerrno>
#include <cstring>

#include "storage/dataset.hpp"
#include "storage/dataset_manifest.hpp"
#include "storage/dataset_schema.hpp"
#include "storage/durable_file.hpp"
#include "storage/parquet_shard.hpp"
#include "storage/process_lock.hpp"
#include "storage/row_digest.hpp"
#include "storage/row_shuffle.hpp"

namespace mendel::storage {
namespace {

namespace fs = std::filesystem;

constexpr char kHolderFile[] = "holder";
constexpr char kRunsFolder[] = "runs";
constexpr std::uint32_t kWidestVocabulary = 32768;  // ids fit int16

// Tells Hugging Face `datasets` which files are which split; the rest is for people.
constexpr char kCard[] =
    "---\n"
    "configs:\n"
    "- config_name: default\n"
    "  data_files:\n"
    "  - split: train\n    path: train/*.parquet\n"
    "  - split: validation\n    path: validation/*.parquet\n"
    "  - split: test\n    path: test/*.parquet\n"
    "---\n"
    "# Pairs of buggy and fixed Python code\n\n"
    "One row is one pair: both sides as 64x48 grids of token ids (row-major int16, tokenizer.json beside\n"
    "this file), the edits between them, and where the pair comes from. manifest.json counts and names all.\n";

Error failure(const fs::path& path, const std::string& what) { return {ErrorCode::io_error, path.string() + ": " + what}; }

// What a finished dataset may take the place of.
Outcome check_target(const fs::path& folder) {
  std::error_code error;
  if (!fs::exists(fs::symlink_status(folder, error))) return Done{};
  if (fs::is_directory(folder, error) && (fs::exists(folder / kManifestFile, error) || fs::is_empty(folder, error))) return Done{};
  return Error{ErrorCode::invalid_input, folder.string() + ": is there and no dataset; move it away or write to another folder"};
}

class ParquetDatasetWriter final : public DatasetWriter {
 public:
  ParquetDatasetWriter(fs::path folder, DatasetOptions options, std::unique_ptr<ProcessLock> lock)
      : folder_(std::move(folder)), partial_(folder_.string() + ".partial"), options_(options), lock_(std::move(lock)),
        shuffle_(partial_ / kRunsFolder, options.seed, std::uint64_t{options.memory_mib} << 19) {}  // half the bound; the merge needs the rest

  ~ParquetDatasetWriter() override {
    std::error_code error;
    if (lock_) fs::remove_all(partial_, error);
  }

  Outcome add(SplitName split, const Row& row) override {
    if (auto sound = check_row(row, kWidestVocabulary); !sound)
      return Error{ErrorCode::invalid_input, "row of pair " + row.id() + ", column " + sound.error().what};
    return shuffle_.add(static_cast<std::uint8_t>(split), *PairId::from_hex(row.id()), row);
  }

  Result<std::string> finish(const ManifestFacts& facts, const std::vector<std::pair<std::string, std::string>>& tokenizer_files) override {
    if (facts.vocabulary > 0) vocabulary_ = facts.vocabulary;
    manifest_.seed = options_.seed;
    if (auto written = write_shards(); !written) return written.error();
    manifest_.digest = dataset_digest(digests_[0], digests_[1], digests_[2]);
    if (auto written = write_other("README.md", kCard); !written) return written.error();
    for (const auto& [name, content] : tokenizer_files)
      if (auto written = write_other(name, content); !written) return written.error();
    const auto text = Manifest::write(manifest_, facts);
    if (!text) return text.error();
    if (auto written = write_durably(partial_ / kManifestFile, *text); !written) return written.error();
    if (auto moved = put_in_place(); !moved) return moved.error();
    return manifest_.digest;
  }

 private:
  Outcome write_shards() {
    auto written = shuffle_.each([this](std::uint8_t split, const Row& row) -> Outcome {
      if (auto sound = check_row(row, vocabulary_); !sound)
        return Error{ErrorCode::invalid_input, "row of pair " + row.id() + ", column " + sound.error().what};
      if (auto opened = shard_for(split); !opened) return opened;
      manifest_.counts[split].add(row);
      digests_[split].add(row);
      ++shard_rows_;
      return shard_->add(row);
    });
    if (!written) return written;
    // Every split has at least one file, so that all tools find the same columns everywhere.
    if (auto closed = close_shard(); !closed) return closed;
    for (std::uint8_t split = 0; split < kSplitCount; ++split) {
      if (manifest_.shards[split].empty()) {
        if (auto opened = shard_for(split); !opened) return opened;
        if (auto closed = close_shard(); !closed) return closed;
      }
      if (auto synced = sync_path(partial_ / name_of(static_cast<SplitName>(split))); !synced) return synced;
    }
    return Done{};
  }

  Outcome shard_for(std::uint8_t split) {
    if (shard_ && split == shard_split_ && shard_rows_ < options_.rows_per_shard) return Done{};
    if (auto closed = close_shard(); !closed) return closed;
    char name[48];
    std::snprintf(name, sizeof name, "%s/shard-%05zu.parquet", name_of(static_cast<SplitName>(split)), manifest_.shards[split].size());
    auto shard = ShardWriter::create(partial_ / name, options_.compression_level);
    if (!shard) return shard.error();
    shard_ = std::move(*shard);
    shard_split_ = split;
    shard_rows_ = 0;
    shard_name_ = name;
    return Done{};
  }

  Outcome close_shard() {
    if (!shard_) return Done{};
    if (auto finished = shard_->finish(); !finished) return finished;
    shard_.reset();
    auto described = describe(shard_name_);
    if (!described) return described.error();
    described->rows = shard_rows_;
    manifest_.shards[shard_split_].push_back(std::move(*described));
    return Done{};
  }

  Outcome write_other(const std::string& name, const std::string& content) {
    if (name.empty() || name.find('/') != std::string::npos) return Error{ErrorCode::invalid_input, "\"" + name + "\" is no name of a file"};
    if (auto written = write_durably(partial_ / name, content); !written) return written;
    auto described = describe(name);
    if (!described) return described.error();
    manifest_.other_files.push_back(std::move(*described));
    return Done{};
  }

  Result<ManifestFile> describe(const std::string& name) const {
    const auto sum = file_checksum(partial_ / name);
    if (!sum) return sum.error();
    return ManifestFile{name, fs::file_size(partial_ / name), 0, *sum};
  }

  // An older dataset changes places with the new one in one step and is removed then.
  Outcome put_in_place() {
    std::error_code error;
    fs::remove_all(partial_ / kRunsFolder, error);
    fs::remove(partial_ / kHolderFile, error);
    if (auto synced = sync_path(partial_); !synced) return synced;
    if (auto free = check_target(folder_); !free) return free;
    if (renameat2(AT_FDCWD, partial_.c_str(), AT_FDCWD, folder_.c_str(), RENAME_EXCHANGE) == 0) {
      fs::remove_all(partial_, error);
    } else if (errno != ENOENT) {  // a file system that cannot exchange
      const fs::path aside = folder_.string() + ".replaced";
      fs::remove_all(aside, error);
      fs::rename(folder_, aside, error);
      if (!error) fs::rename(partial_, folder_, error);
      if (error) return failure(folder_, error.message());
      fs::remove_all(aside, error);
    } else {
      fs::rename(partial_, folder_, error);
      if (error) return failure(folder_, error.message());
    }
    lock_.reset();
    return sync_path(folder_.has_parent_path() ? folder_.parent_path() : fs::path("."));
  }

  fs::path folder_, partial_;
  DatasetOptions options_;
  std::unique_ptr<ProcessLock> lock_;  // held as long as the partial folder is ours
  RowShuffle shuffle_;
  std::uint32_t vocabulary_ = kWidestVocabulary;
  Manifest manifest_;
  SplitDigest digests_[kSplitCount];
  std::unique_ptr<ShardWriter> shard_;
  std::uint8_t shard_split_ = 0;
  std::uint64_t shard_rows_ = 0;
  std::string shard_name_;
};

}  // namespace

Result<std::unique_ptr<DatasetWriter>> DatasetWriter::create(const fs::path& given, DatasetOptions options) {
  const fs::path folder = given.has_filename() ? given : given.parent_path();  // "out/" is "out"
  if (folder.empty() || options.rows_per_shard == 0) return Error{ErrorCode::invalid_input, "a dataset needs a folder and at least one row a shard"};
  if (auto free = check_target(folder); !free) return free.error();
  const fs::path partial = folder.string() + ".partial";
  std::error_code error;
  fs::create_directories(partial, error);
  if (error) return failure(partial, error.message());
  auto lock = ProcessLock::take(partial / kHolderFile);
  if (!lock) return lock.error();
  for (fs::directory_iterator at(partial, error), end; !error && at != end; at.increment(error))
    if (at->path().filename() != kHolderFile) fs::remove_all(at->path(), error);  // of a process that died
  for (const char* part : {kRunsFolder, "train", "validation", "test"})
    if (!error) fs::create_directories(partial / part, error);
  if (error) return failure(partial, error.message());
  return std::unique_ptr<DatasetWriter>(std::make_unique<ParquetDatasetWriter>(folder, options, std::move(*lock)));
}

}  // namespace mendel::storage
