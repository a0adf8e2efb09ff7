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

// Not thread-safe. The same set, seed and limits give the same sequence on every machine.
class Loader {
 public:
  // Samples of more than `cells_max` cells are passed over. `set` must outlive the loader.
  Loader(const SampleSet& set, std::uint64_t seed, std::uint32_t cells_per_batch, std::uint32_t cells_max);

  // Samples that take part; 0: next must not be called.
  std::uint64_t size() const { return indices_.size(); }
  // Indices of the batch at `position`, which moves on. Never empty; one sample at least, however long.
  std::vector<std::uint64_t> next(LoaderPosition& position);

 private:
  void plan(std::uint64_t epoch);

  const SampleSet& set_;
  std::uint64_t seed_;
  std::uint64_t cells_per_batch_;
  std::vector<std::uint64_t> indices_;
  std::vector<std::uint32_t> cells_;  // of indices_
  std::vector<std::vector<std::uint64_t>> batches_;  // of the planned epoch
  std::uint64_t planned_epoch_ = UINT64_MAX;
};

}  // namespace mendel::model
