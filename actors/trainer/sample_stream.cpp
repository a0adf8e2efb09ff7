// One reading that counts and keeps what fits; afterwards shards on demand.
#include "actors/trainer/sample_stream.hpp"

#include <algorithm>
#include <numeric>

namespace mendel::trainer {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;

model::Failure failure_of(const Error& error) {
  return {error.code == ErrorCode::corrupt ? model::Fault::corrupt : model::Fault::io, error.what};
}

}  // namespace

SampleStream::SampleStream(const TrainingData& data, storage::SplitName split, std::uint32_t cells_max, std::vector<std::uint64_t> sizes, std::uint64_t held_max)
    : data_(data), split_(split), cells_max_(cells_max), sizes_(std::move(sizes)), held_max_(held_max),
      size_(std::accumulate(sizes_.begin(), sizes_.end(), std::uint64_t{0})) {}

model::Expected<std::shared_ptr<const model::SampleSet>> SampleStream::read(std::uint64_t block) const {
  auto samples = std::make_shared<DatasetSamples>(storage::name_of(split_), cells_max_, data_.tokenizer);
  const auto read = data_.reader->each_of_shard(split_, block, [&](const Row& row) {
    samples->add(row);
    return true;
  });
  if (!read) return failure_of(read.error());
  if (samples->size() != sizes_[block])
    return model::Failure{model::Fault::corrupt, std::string("shard ") + std::to_string(block) + " of the split " + storage::name_of(split_) + " has " +
                                                     std::to_string(samples->size()) + " samples, at the start it had " + std::to_string(sizes_[block]) +
                                                     "; the dataset was changed under a running training: build it again"};
  samples->close();
  return std::shared_ptr<const model::SampleSet>(std::move(samples));
}

Result<TrainingSplit> open_split(const TrainingData& data, storage::SplitName split, const SplitLimits& limits) {
  TrainingSplit out;
  const auto rows_all = data.reader->rows(split);
  std::uint64_t rows = 0, bytes = 0, largest = 0;
  std::vector<std::uint64_t> sizes;
  const auto fresh = [&] { return std::make_unique<DatasetSamples>(storage::name_of(split), limits.cells_max, data.tokenizer, rows); };
  const auto take_note = [&](const DatasetSamples& samples) {
    out.clean += samples.clean();
    out.passed_over.add(samples.passed_over());
    if (limits.kinds) out.kinds.add(samples);
  };
  auto samples = fresh();
  bool fits = true;
  for (std::size_t shard = 0; shard < data.reader->shards(split); ++shard) {
    const auto samples_before = samples->size(), bytes_before = samples->bytes();
    const auto read = data.reader->each_of_shard(split, shard, [&](const Row& row) {
      samples->add(row);
      ++rows;
      return true;
    });
    if (!read) return read.error();
    sizes.push_back(samples->size() - samples_before);
    const auto own = samples->bytes() - bytes_before;
    bytes += own;
    largest = std::max(largest, own);
    // Rows lie in the order of a hash, so the first shards tell how large the rest will be.
    fits = fits && static_cast<double>(bytes) / static_cast<double>(std::max<std::uint64_t>(1, rows)) * static_cast<double>(rows_all) <= static_cast<double>(limits.bytes_max);
    if (fits) continue;
    take_note(*samples);
    samples = fresh();
  }
  if (fits) {
    take_note(*samples);
    samples->close();
    out.whole = std::move(samples);
    return out;
  }
  const auto held_max = limits.bytes_max / 2 / std::max<std::uint64_t>(1, largest);
  if (held_max == 0)
    return Error{ErrorCode::invalid_input, "train.cache_mib: is " + std::to_string(limits.bytes_max / kMiB) + ", but two shards of the split " + storage::name_of(split) + " take " +
                                               std::to_string((2 * largest + kMiB - 1) / kMiB) + "; raise it, or build the dataset with fewer dataset.rows_per_shard"};
  out.stream = std::make_unique<SampleStream>(data, split, limits.cells_max, std::move(sizes), held_max);
  return out;
}

}  // namespace mendel::trainer
