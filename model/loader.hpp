// The order of training: epoch by epoch all samples in an order that hashes decide, neighbours in length
// in one batch, batches bounded by their cells.
//
// A source that does not lie in memory is gone through in windows: as many of its blocks as may be held, drawn
// anew by hash in each epoch. Inside a window samples are mixed as in a whole epoch; two samples of different windows
// never meet in a batch of that epoch. While one window is trained on, a thread reads the next.
#pragma once

#include <atomic>
#include <cstdint>
#include <future>
#include <memory>
#include <span>
#include <vector>

#include "model/expected.hpp"
#include "model/sample.hpp"

namespace mendel::model {

// Where in the endless sequence of batches training stands; kept in the state of a run.
struct LoaderPosition {
  std::uint64_t epoch = 0, batch = 0;  // of the window
  std::uint64_t window = 0;  // of the epoch
  bool operator==(const LoaderPosition&) const = default;
};

// A well-mixed hash of (seed, stream, index): the order of everything random about samples.
std::uint64_t mix_hash(std::uint64_t seed, std::uint64_t stream, std::uint64_t index);

struct BatchLimits {
  std::uint32_t cells = 2500;  // real cells of one batch; counts where samples is 0
  std::uint32_t cells_max = 400;  // longer samples are passed over
  std::uint32_t samples = 0;  // of one batch (the last of a window may be smaller), drawn without a look at their length
};

// Not thread-safe. The same source, seed and limits give the same sequence on every machine.
class Loader {
 public:
  // `source` and `subset` must outlive the loader. `subset`: ascending indices that may take part; empty: all.
  Loader(const SampleSource& source, std::uint64_t seed, const BatchLimits& limits, std::span<const std::uint64_t> subset = {});
  ~Loader();
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  // Reads and plans what stands at `position`; to be called before epoch_share and epoch_over. invalid: nothing is short
  // enough; else the source's failure.
  Expected<bool> hold(const LoaderPosition& position);
  // Indices of the batch at `position`, which moves on. Never empty; one sample at least, however long. Its samples
  // can be asked for until the next call.
  Expected<std::vector<std::uint64_t>> next(LoaderPosition& position);
  Sample sample(std::uint64_t index) const;

  // Of the window that is held: how much of its epoch lies before `position`, and whether nothing comes after it.
  double epoch_share(const LoaderPosition& position) const;
  bool epoch_over(const LoaderPosition& position) const;

 private:
  struct Block {
    std::uint64_t first;  // index of its first sample
    std::shared_ptr<const SampleSet> samples;
  };
  struct Window {
    std::uint64_t epoch = UINT64_MAX, number = 0;
    std::vector<Block> blocks;
  };
  std::uint64_t windows() const { return (sizes_.size() + at_once_ - 1) / at_once_; }
  LoaderPosition following(const LoaderPosition& position) const;
  std::vector<std::uint64_t> order_of(std::uint64_t epoch) const;
  std::span<const std::uint64_t> in_window(std::span<const std::uint64_t> order, std::uint64_t window) const;
  std::uint64_t chosen_in(std::uint64_t block) const;
  Expected<Window> read(std::uint64_t epoch, std::uint64_t number) const;
  void read_ahead(const LoaderPosition& position);
  void take(Window window);
  void plan(std::uint64_t epoch);
  void plan_by_samples(const std::vector<std::size_t>& order);
  void plan_by_cells(std::uint64_t epoch, std::vector<std::size_t> order);
  Failure nothing_fits() const;

  const SampleSource& source_;
  std::uint64_t seed_;
  BatchLimits limits_;
  std::span<const std::uint64_t> subset_;
  std::vector<std::uint64_t> sizes_, begins_;  // of the blocks; begins_ has the end of the last too
  std::uint64_t at_once_, chosen_ = 0;  // blocks of a window; samples that may take part, of all
  Window window_;
  double share_before_ = 0, share_ = 1;  // of the epoch: windows before the one that is held, and it
  std::vector<std::uint64_t> indices_;  // of the window, those that take part
  std::vector<std::uint32_t> cells_;  // of indices_
  std::vector<std::vector<std::uint64_t>> batches_;  // of the window
  std::atomic<bool> stop_{false};  // the thread that reads ahead
  LoaderPosition ahead_of_;
  std::future<Expected<Window>> ahead_;
};

}  // namespace mendel::model
