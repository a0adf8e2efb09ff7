// The rows of deep supervision as TRM's authors do it: each step of the optimizer is one supervision step, a row goes on
// with its own state until it halts, and then the next sample takes its place with a fresh start.
//
// On the data's way: between the loader's batches and the gradient of a step (training.cpp). What is carried is part
// of the state of a run.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <vector>

#include "model/expected.hpp"
#include "model/loader.hpp"
#include "model/safetensors.hpp"
#include "model/sample.hpp"

namespace mendel::model {

// What a model thinks of a sample between supervision steps; undefined: it starts.
struct RowState {
  at::Tensor z_td, y_td;  // [T, d], no gradient
  double halt_logit = 0;  // of the last step
};

// When a row halts: after `steps_max` steps, or once its score is above 0; but with the probability `exploration`
// not before a number of steps drawn evenly from 2 to steps_max.
struct Halting {
  std::uint64_t seed = 0;
  std::uint32_t steps_max = 1;
  double exploration = 0;
};

// Not thread-safe.
class CarriedRows {
 public:
  // True as long as the next step has room for more samples than wait: then `wait` for some.
  bool wants_more(const BatchLimits& limits) const;
  void wait(std::vector<Sample> samples);
  bool waiting() const { return !waiting_.empty(); }
  // Lets samples in while they fit (one row at least), short rows before long ones; answers how many came in.
  std::size_t let_in(const BatchLimits& limits);

  std::span<const Sample> samples() const { return samples_; }
  std::span<RowState> states() { return states_; }
  std::uint32_t steps(std::size_t row) const { return steps_[row]; }
  // After a step, the `number`th of the run: halted rows go.
  void halt(const Halting& halting, std::uint64_t number);
  // Every row starts anew: what they carried cannot be used.
  void restart();

  // As tensors of a state file, to be kept until it is written; and back. corrupt names the tensor.
  struct Tensors {
    at::Tensor rows, z_md, y_md;
    std::vector<TensorBytes> bytes() const;
  };
  Tensors tensors() const;
  static Expected<CarriedRows> read(const TensorFile& file, std::int64_t width, at::Device device);

 private:
  bool fits(const Sample& next, const BatchLimits& limits) const;

  std::vector<Sample> samples_;
  std::vector<RowState> states_;
  std::vector<std::uint32_t> steps_;  // done by each row
  std::deque<Sample> waiting_;
};

}  // namespace mendel::model
