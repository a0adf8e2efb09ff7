// The training split, whatever its size: in memory where it fits, else read shard by shard while training goes on.
//
// On the data's way: between the finished dataset (storage/dataset.hpp) and training, whose loader reads ahead
// (model/loader.hpp). A block is a shard; its samples are those that dataset_samples.hpp makes of its rows.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "actors/trainer/dataset_samples.hpp"
#include "model/sample.hpp"
#include "proto/result.hpp"

namespace mendel::trainer {

// A split whose shards are read when they are asked for. Immutable and thread-safe.
class SampleStream final : public model::SampleSource {
 public:
  // `data` must outlive the stream. `sizes`: samples of each shard, as reading all of them once has shown.
  SampleStream(const TrainingData& data, storage::SplitName split, std::uint32_t cells_max, std::vector<std::uint64_t> sizes, std::uint64_t held_max);

  std::uint64_t size() const override { return size_; }
  std::vector<std::uint64_t> blocks() const override { return sizes_; }
  std::uint64_t blocks_held_max() const override { return held_max_; }
  // corrupt too if the shard has other samples than at first.
  model::Expected<std::shared_ptr<const model::SampleSet>> read(std::uint64_t block) const override;

 private:
  const TrainingData& data_;
  storage::SplitName split_;
  std::uint32_t cells_max_;
  std::vector<std::uint64_t> sizes_;
  std::uint64_t held_max_, size_;
};

// A split that was read through once; one of `whole` and `stream` is there.
struct TrainingSplit {
  std::unique_ptr<DatasetSamples> whole;
  std::unique_ptr<SampleStream> stream;
  SampleKinds kinds;  // only where they were asked for
  std::uint64_t clean = 0;
  PassedOver passed_over;

  const model::SampleSource& source() const { return whole ? static_cast<const model::SampleSource&>(*whole) : *stream; }
};

struct SplitLimits {
  std::uint32_t cells_max = model::kCellsMax;
  std::uint64_t bytes_max = 0;  // samples that take more are streamed, half of it held and half of it read ahead
  bool kinds = false;  // make TrainingSplit::kinds
};

// Reads every row once, so that what cannot be trained on is found before training: a shard that cannot be read is an error
// that names file and row. invalid_input if `bytes_max` has not room for two shards. `data` must outlive the answer.
Result<TrainingSplit> open_split(const TrainingData& data, storage::SplitName split, const SplitLimits& limits);

}  // namespace mendel::trainer
