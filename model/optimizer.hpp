// Muon for matrices and AdamW for the rest, the rate's schedule, clipping and the average of the weights.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "model/parameters.hpp"
#include "model/workers.hpp"

namespace mendel::model {

// Orthogonalises matrices of one shape [G, rows, columns]: five Newton-Schulz steps of Muon's quintic
// iteration, in the tensor's own type. `x_grc` is used up.
at::Tensor newton_schulz(at::Tensor x_grc);

struct MuonOptions {
  double momentum = 0.95, weight_decay = 0.02;
  double norm_max = 1;  // of the gradient, else it is scaled down to it
  double beta2 = 0.98;  // of AdamW
  bool adamw_only = false;  // AdamW for the matrices too, with the decay
};

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

  // Clips `gradient` (flat) to a norm of `norm_max` and steps: Muon with Nesterov's momentum and the rate scaled to
  // AdamW's update size. Answers the norm before clipping, or nothing if it is no number: then nothing has
  // changed. Parts run on `workers`; the result does not depend on their number.
  std::optional<double> step(const at::Tensor& gradient, double rate, Workers& workers);

  // The same by LibTorch's operations: what `step` does where the parameters ask for them.
  std::optional<double> step_by_operations(const at::Tensor& gradient, double rate);

  OptimizerState& state() { return state_; }

 private:
  using Group = std::vector<const Parameter*>;  // matrices of one shape, or one vector of AdamW's

  template <class S, class P>
  void muon(const Group& group, const S* gradient, double scale, double rate, P);
  template <class S, class P>
  void run(const Group& group, const S* gradient, double scale, double rate, P);

  ParameterSet& parameters_;
  MuonOptions options_;
  double ema_;
  OptimizerState state_;
  std::vector<Group> groups_;  // heaviest first
};

}  // namespace mendel::model
