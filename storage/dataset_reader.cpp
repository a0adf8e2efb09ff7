// Reads a dataset folder by its manifest, row by row and shard by shard, and checks it: sizes and checksums
// of the files, ranges of the rows, counts, and the digest over everything.
#include <set>

#include "storage/dataset.hpp"
#include "storage/dataset_manifest.hpp"
#include "storage/dataset_schema.hpp"
#include "storage/parquet_shard.hpp"
#include "storage/row_digest.hpp"

namespace mendel::storage {
namespace {

namespace fs = std::filesystem;

Error corrupt(const fs::path& path, const std::string& what) { return {ErrorCode::corrupt, path.string() + ": " + what}; }

class ParquetDatasetReader final : public DatasetReader {
 public:
  ParquetDatasetReader(fs::path folder, Manifest manifest) : folder_(std::move(folder)), manifest_(std::move(manifest)) {}

  const std::string& manifest_json() const override { return manifest_.text; }
  std::string digest() const override { return manifest_.digest; }
  std::uint64_t rows(SplitName split) const override { return manifest_.counts[static_cast<int>(split)].rows; }

  Outcome each(SplitName split, const std::function<bool(const Row&)>& visit) const override {
    bool more = true;
    for (std::size_t shard = 0; more && shard < shards(split); ++shard) {
      const auto read = each_of_shard(split, shard, [&](const Row& row) { return more = visit(row); });
      if (!read) return read.error();
    }
    return Done{};
  }

  std::size_t shards(SplitName split) const override { return manifest_.shards[static_cast<int>(split)].size(); }

  Outcome each_of_shard(SplitName split, std::size_t shard, const std::function<bool(const Row&)>& visit) const override {
    const auto read = read_shard(folder_ / manifest_.shards[static_cast<int>(split)].at(shard).path, [&](const Row& row) -> Result<bool> {
      if (auto sound = check_row(row, manifest_.vocabulary); !sound) return Error{ErrorCode::corrupt, sound.error().what};
      return visit(row);
    });
    if (!read) return read.error();
    return Done{};
  }

  Outcome verify() const override {
    if (auto sound = verify_files(); !sound) return sound;
    SplitDigest digests[kSplitCount];
    for (int s = 0; s < kSplitCount; ++s)
      if (auto sound = verify_split(static_cast<SplitName>(s), digests[s]); !sound) return sound;
    const auto digest = dataset_digest(digests[0], digests[1], digests[2]);
    if (digest != manifest_.digest)
      return corrupt(folder_ / kManifestFile, "the rows have digest " + digest + ", the manifest says " + manifest_.digest);
    return Done{};
  }

 private:
  Outcome verify_files() const {
    std::set<std::string> known;
    const auto check = [&](const ManifestFile& file) -> Outcome {
      known.insert(file.path);
      const auto path = folder_ / file.path;
      std::error_code error;
      const auto bytes = fs::file_size(path, error);
      if (error) return corrupt(path, error.message());
      if (bytes != file.bytes) return corrupt(path, std::to_string(bytes) + " bytes instead of " + std::to_string(file.bytes));
      const auto sum = file_checksum(path);
      if (!sum) return sum.error();
      return *sum == file.checksum ? Outcome(Done{}) : corrupt(path, "its checksum is " + *sum + ", the manifest says " + file.checksum);
    };
    for (const auto& shards : manifest_.shards)
      for (const auto& shard : shards)
        if (auto sound = check(shard); !sound) return sound;
    for (const auto& file : manifest_.other_files)
      if (auto sound = check(file); !sound) return sound;
    for (int s = 0; s < kSplitCount; ++s) {
      const std::string split = name_of(static_cast<SplitName>(s));
      std::error_code error;
      for (fs::directory_iterator at(folder_ / split, error), end; !error && at != end; at.increment(error))
        if (!known.contains(split + "/" + at->path().filename().string())) return corrupt(at->path(), "does not belong to the dataset");
    }
    return Done{};
  }

  Outcome verify_split(SplitName split, SplitDigest& digest) const {
    const auto s = static_cast<int>(split);
    std::pair<std::uint64_t, PairId> last{};
    SplitCounts counts;
    for (const auto& shard : manifest_.shards[s]) {
      std::uint64_t rows = 0;
      const auto read = read_shard(folder_ / shard.path, [&](const Row& row) -> Result<bool> {
        if (auto sound = check_row(row, manifest_.vocabulary); !sound) return Error{ErrorCode::corrupt, sound.error().what};
        const auto id = *PairId::from_hex(row.id());
        const std::pair place{shuffle_key(manifest_.seed, id), id};
        if (counts.rows > 0 && place <= last) return Error{ErrorCode::corrupt, "id: comes twice or out of order"};
        last = place;
        counts.add(row);
        digest.add(row);
        ++rows;
        return true;
      });
      if (!read) return read.error();
      if (rows != shard.rows) return corrupt(folder_ / shard.path, std::to_string(rows) + " rows instead of " + std::to_string(shard.rows));
    }
    const auto& said = manifest_.counts[s];
    if (counts.rows != said.rows || counts.by_class != said.by_class || counts.by_type != said.by_type || counts.by_source != said.by_source ||
        counts.by_level != said.by_level || counts.by_license != said.by_license)
      return corrupt(folder_ / kManifestFile, std::string("the counts of ") + name_of(split) + " are not those of its rows");
    return Done{};
  }

  fs::path folder_;
  Manifest manifest_;
};

}  // namespace

Result<std::unique_ptr<DatasetReader>> DatasetReader::open(const fs::path& folder) {
  auto manifest = Manifest::read(folder);
  if (!manifest) return manifest.error();
  return std::unique_ptr<DatasetReader>(std::make_unique<ParquetDatasetReader>(folder, std::move(*manifest)));
}

}  // namespace mendel::storage
