// The Continuous Thought Machine (Sakana AI, 2025): neurons with models of their own that tick over one
// input; what is read out is their synchronisation. Parts: backbone, attention, synapse, nlm,
// synchronization. Written with LibTorch's own operations, so autograd has its backward pass.
//
// A tick: S_action of the neurons as they are; its query attends to the keys; the synapse turns
// [attended, neurons] into pre-activations, the newest of each neuron's trace; the neuron models turn the
// traces into the new neurons; S_out of those is what a head reads.
#pragma once

#include "model/attention.hpp"
#include "model/backbone.hpp"
#include "model/nlm.hpp"
#include "model/repair_model.hpp"
#include "model/synchronization.hpp"

namespace mendel::model {

// Nothing if such a machine can be built, else which setting is wrong and what is allowed.
std::string ctm_fault(const CtmSettings& settings);

struct CtmOptions {
  std::int64_t features = 0;  // width of what it looks at
  std::int64_t self_pairs = -1;  // of random-pairing; -1: an eighth
  bool layer_norm_nlm = false;  // inside the neuron models
  bool layer_norm_query = true;  // of S_action before it asks; the authors have none
};

// B samples, N keys, D neurons, M memory. The parameters must outlive it and its graphs.
class Ctm {
 public:
  Ctm(ParameterSet& parameters, const std::string& prefix, const CtmSettings& settings, const CtmOptions& options);

  struct State {
    CrossAttention::Memory memory;
    NeuronModels::Ready neurons;
    at::Tensor z_bd, trace_dbm;  // post-activations; pre-activations of each neuron, newest last
    Synchronization::State action, out;
  };
  // Start state over the features [B, N, d_feat]; pad [B, N] as CrossAttention's.
  State begin(const at::Tensor& features_bnf, const at::Tensor& pad_bn, const Record& record = {}) const;

  struct Tick {
    at::Tensor s_action_bs, s_out_bs, attended_bd, weights_bhn, pre_bd;  // the new neurons are in the state
  };
  Tick tick(State& state, const Record& record = {}) const;

  // The same tick, answering S_out alone; its inside is computed again for the gradient (recompute.hpp).
  at::Tensor recomputed_tick(State& state) const;

  // Neurons see their newest `memory` pre-activations from now on, 1 to the setting. With `start`, to be called
  // before training, the weights begin as those of such a machine: growing later changes nothing that it says.
  void set_memory(std::uint32_t memory, bool start);

  // To be called after the parameters changed: keeps the decays in their range.
  void constrain();
  std::int64_t out_width() const { return out_width_; }  // S of the output
  Synchronization& action() { return action_; }
  Synchronization& out() { return out_; }

 private:
  ParameterSet& parameters_;
  CtmSettings settings_;
  std::int64_t memory_;  // in use
  bool norm_query_;
  std::int64_t out_width_;
  Backbone backbone_;
  LinearIndex query_;
  CrossAttention attention_;
  Synapse synapse_;
  NeuronModels nlm_;
  std::size_t start_z_, start_trace_;
  Synchronization action_, out_;
};

// 1 - entropy / log(classes) of distributions over the last dimension; `classes` broadcasts to the rest.
at::Tensor certainty(const at::Tensor& log_probability, const at::Tensor& classes);

}  // namespace mendel::model
