// Muon for matrices and AdamW for the rest, the rate's schedule, clipping and the average of the weights.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "model/parameters.hpp"
#include "model/workers.hpp"

namespace mendel::model {

// Orthogonalises a matrix: five Newton-Schulz steps of Muon's quintic iteration, in the type of the products.
at::Tensor newton_schulz(const at::Tensor& matrix, at::ScalarType product_type);

struct MuonOptions {
  double momentum = 0.95, weight_decay = 0.02;
};

// One step of Muon on one matrix, with Nesterov's momentum and the rate scaled to AdamW's update size.
void muon_step(at::Tensor parameter, const at::Tensor& gradient, at::Tensor momentum, double rate, const MuonOptions& options,
               at::ScalarType product_type);

// What the schedule looks at; all of it is kept in the state of a run.
struct Progress {
  std::uint64_t step = 0;
  double share = 0;  // of the run that is over, 0..1
};

// Share of the peak rate: up over the warm-up steps (or 10 % of the run, whichever ends first), full until
// half of the run, then linearly down to 3 %.
double rate_factor(const Progress& progress, std::uint32_t warmup_steps);

// Everything of the optimizer that a resume needs; flat vectors beside ParameterSet::flat().
struct OptimizerState {
  std::uint64_t step = 0;
  at::Tensor first;  // momentum of Muon, first moment of AdamW
  at::Tensor second;  // second moment of AdamW; unused under Muon's matrices
  at::Tensor average;  // EMA of the weights
};

class Optimizer {
 public:
  Optimizer(ParameterSet& parameters, const MuonOptions& options, double ema);

  // Clips `gradient` (flat) to a norm of 1 and steps. Answers the norm before clipping, or nothing if it is
  // no number: then nothing has changed. Parts run on `workers`; the result does not depend on their number.
  std::optional<double> step(at::Tensor gradient, double rate, Workers& workers);

  OptimizerState& state() { return state_; }

 private:
  void adamw(const Parameter& p, const at::Tensor& gradient, double rate);

  ParameterSet& parameters_;
  MuonOptions options_;
  double ema_;
  OptimizerState state_;
};

}  // namespace mendel::model
