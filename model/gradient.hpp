// The gradient of one batch, cut into parts: by threads, by partners, and in the memory that there is.
//
// A batch is cut into parts of about equal cells, whatever the number of threads and partners. The parts'
// gradients are added in the order of a fixed tree: the sum of a range is the sum of its first half (the
// larger one where the number is odd) and of its second. A partner computes a subtree, so one process and
// eight give the same bytes.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "model/network.hpp"
#include "model/partners.hpp"
#include "model/workers.hpp"

namespace mendel::model {

// Parts of this size stay in a core's cache. A device that computes by operations wants them as large as its memory
// allows: 0 finds that size at the first batch.
inline constexpr std::uint32_t kCellsPerPart = 1280;

// Means over a batch, in nats a sample.
struct Losses {
  double start = 0, end = 0, tokens = 0, halt = 0;
  double sum() const { return start + end + tokens + halt; }
};

// What partners tell each other after each step, beside the gradient.
struct StepNews {
  double cpu_s = 0;  // in: of this process; out: of all
  bool stop = false;  // in: this process was asked to stop; out: any was
};

// Contiguous runs of samples with about equal numbers of cells, about `cells_per_part` each.
std::vector<std::span<const Sample>> cut(std::span<const Sample> samples, std::uint32_t cells_per_part);

// After which leaves of the tree over `count` leaves how many sums are finished: the order of additions.
std::vector<std::uint32_t> tree_sums(std::size_t count);
// The leaves of the subtree of `rank` among `size` (a power of two) partners: [first, end), maybe none.
std::pair<std::size_t, std::size_t> subtree(std::size_t count, std::uint32_t rank, std::uint32_t size);

class BatchGradient {
 public:
  struct Limits {
    std::uint32_t cells_per_part = kCellsPerPart;  // 0: as many as fit
    std::uint64_t memory_bytes = 0;  // that the parts of a step may take; 0: four fifths of what is free before the first step
  };
  // `partners`: nullptr for one process. `note` gets a line for people when less memory than hoped for is used.
  BatchGradient(const Network& network, Workers& workers, Partners* partners, const Limits& limits, std::function<void(const std::string&)> note);

  // Leaves the gradient of the mean loss in gradient(). Out of memory, fewer parts are computed at once, then
  // smaller ones: the same samples make the step. out_of_memory if one sample alone is too much; partner_lost.
  // `states`: of each sample, where rows are carried: one supervision step from them, and they become those after it.
  Expected<Losses> compute(std::span<const Sample> samples, StepNews& news, std::span<RowState> states = {});
  const at::Tensor& gradient() const { return gradient_; }
  // What decides the numbers: a resume must begin with it.
  std::uint32_t cells_per_part() const { return limits_.cells_per_part; }
  // The memory that a part of the first batch took, and how many are computed at once; 0 before the first step.
  std::uint64_t part_bytes() const { return part_bytes_; }
  std::size_t at_once() const { return at_once_; }

 private:
  struct Sum {
    at::Tensor gradient;
    Losses losses;
  };
  using Parts = std::vector<std::span<const Sample>>;

  // How many cells a part may have in the memory that is free, from what one of few takes; the least of all partners'.
  Expected<std::uint32_t> fitting_cells(std::span<const Sample> samples);
  std::uint64_t bytes_of(std::span<const Sample> part, std::size_t batch_size);
  // False: there is not the memory for it, whatever is left undone.
  bool measure(const Parts& parts, std::size_t batch_size);
  bool own_sum(const Parts& parts, std::size_t batch_size);
  void fold(std::span<const std::span<const Sample>> parts, std::size_t batch_size);
  void add(Sum& to, const Sum& from);
  Losses part_gradient(std::span<const Sample> part, std::size_t batch_size, const at::Tensor& out);
  HeadLoss part_loss(std::span<const Sample> part);
  Expected<bool> agree(bool mine);
  Expected<Losses> together(std::size_t parts, StepNews& news);
  std::uint64_t budget() const;
  at::Device device() const { return network_.parameters().device(); }

  const Network& network_;
  Workers& workers_;
  Partners* partners_;
  Limits limits_;
  std::function<void(const std::string&)> note_;
  std::span<const Sample> samples_;  // of the step, where rows are carried
  std::span<const RowState> before_;  // of each of them
  std::vector<RowState> after_;
  std::vector<at::Tensor> spare_;  // gradients that nobody uses now
  std::vector<Sum> stack_;  // sums of finished subtrees, left to right
  at::Tensor gradient_;
  std::uint64_t part_bytes_ = 0, free_bytes_ = 0;
  std::size_t at_once_ = 0;
};

}  // namespace mendel::model
