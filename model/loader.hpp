// The order of training: epoch by epoch all samples in an order that hashes decide, neighbours in length
// in one batch, batches bounded by their cells.
#pragma once

#include <cstdint>
#include <vector>

#include "model/sample.hpp"

namespace mendel::model {

// Where in the endless sequence of batches training stands; kept in the state of a run.
struct LoaderPosition {
  std::uint64_t epoch = 0, batch = 0;
  bool operator==(const LoaderPosition&) const = default;
};

// A well-mixed hash of (seed, stream, index): the order of everything random about samples.
std::uint64_t mix_hash(std::uint64_t seed, std::uint64_t stream, std::uint64_t index);

struct BatchLimits {
  std::uint32_t cells = 2500;  // real cells of one batch; counts where samples is 0
  std::uint32_t cells_max = 400;  // longer samples are passed over
  std::uint32_t samples = 0;  // of one batch (the last of an epoch may be smaller), drawn without a look at their length
};

// Not thread-safe. The same set, seed and limits give the same sequence on every machine.
class Loader {
 public:
  // `set` must outlive the loader. `subset`: indices that may take part; empty: all.
  Loader(const SampleSet& set, std::uint64_t seed, const BatchLimits& limits, const std::vector<std::uint64_t>& subset = {});

  // Samples that take part; 0: next must not be called.
  std::uint64_t size() const { return indices_.size(); }
  // Batches of an epoch.
  std::uint64_t batches(std::uint64_t epoch);
  // Indices of the batch at `position`, which moves on. Never empty; one sample at least, however long.
  std::vector<std::uint64_t> next(LoaderPosition& position);

 private:
  void plan(std::uint64_t epoch);
  void plan_by_samples(const std::vector<std::size_t>& order);
  void plan_by_cells(std::uint64_t epoch, std::vector<std::size_t> order);

  const SampleSet& set_;
  std::uint64_t seed_;
  BatchLimits limits_;
  std::vector<std::uint64_t> indices_;
  std::vector<std::uint32_t> cells_;  // of indices_
  std::vector<std::vector<std::uint64_t>> batches_;  // of the planned epoch
  std::uint64_t planned_epoch_ = UINT64_MAX;
};

}  // namespace mendel::model
