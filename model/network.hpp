// Trunk, head and their numbers: what is trained and what a checkpoint holds.
#pragma once

#include <memory>

#include "model/carried_rows.hpp"
#include "model/compute.hpp"
#include "model/ctm_reading.hpp"
#include "model/presets.hpp"
#include "model/span_head.hpp"
#include "model/trunk.hpp"

namespace mendel::model {

// The numbers live at stable addresses, so a network neither copies nor moves. `propose` and `loss` may
// run on several threads at once, as long as nobody changes the numbers.
class Network {
 public:
  // Double products are for checks against references; else bfloat16 where the processor has them.
  Network(const ModelSettings& settings, std::uint64_t seed, at::ScalarType product_type, at::Device device = at::kCPU);
  Network(const ModelSettings& settings, std::uint64_t seed, const Compute& compute);
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  // Sums over the samples; several supervision steps are averaged.
  HeadLoss loss(std::span<const Sample> samples) const { return loss(prepare(samples)); }
  // The same in two: what the host makes of the samples, on the network's device, and what the device computes, which
  // the host need not wait for.
  struct Prepared {
    SharedBatch batch;
    Targets targets;
  };
  Prepared prepare(std::span<const Sample> samples) const;
  HeadLoss loss(const Prepared& prepared) const;
  // The loss of one supervision step, each sample going on from its state, which becomes the one after it. For a model
  // that halts.
  HeadLoss step_loss(const Prepared& prepared, std::span<RowState> states) const;
  // No gradient is kept. Samples must be without fault. A sample that halts keeps its answer while the
  // others of its batch think on.
  std::vector<std::vector<Proposal>> propose(std::span<const Sample> samples, std::uint32_t candidates, const Probe& probe = {}) const;

  // Gradient checkpointing of the net calls and ticks: the same gradients, less memory, more time.
  void set_recompute(bool on);
  // Adds `weight` times the mean squared cosine between the synchronisations of a batch's functions to the
  // loss of a CTM: against their collapse to one constant. 0: off.
  void set_sync_diversity(double weight) { sync_diversity_ = weight; }
  // On the CPU too, compute by LibTorch's operations, as every other device does (ParameterSet::use_operations).
  void use_operations(bool on) { parameters_.use_operations(on); }
  // Of a CTM, for one stage of a curriculum: ticks (a checkpoint says so) and memory (Ctm::set_memory). 0: as built.
  void set_thinking(std::uint32_t ticks, std::uint32_t memory, bool start);
  // What the model thinks of each sample after its last step or tick, without a gradient.
  struct Thought {
    at::Tensor certainty_b;  // of the start's distribution
    at::Tensor s_bs, z_bd;  // of a CTM: synchronisation and neurons; else undefined
  };
  Thought think(std::span<const Sample> samples) const { return think(batch_of(samples)); }
  Thought think(const SharedBatch& batch) const;
  // To be called after the numbers changed by anything but a step of training on this network.
  void refresh();
  // Brings parameters with a range back into it (the decays of a CTM).
  void constrain();

  const ModelSettings& settings() const { return settings_; }
  ParameterSet& parameters() { return parameters_; }
  const ParameterSet& parameters() const { return parameters_; }
  Trunk& trunk() { return trunk_; }
  const Trunk& trunk() const { return trunk_; }
  const SpanHead& head() const { return head_; }

 private:
  struct Mind {
    Ctm machine;
    CtmReading reading;
  };
  SharedBatch batch_of(std::span<const Sample> samples) const;
  HeadLoss ctm_loss(const Hidden& x, const SharedBatch& batch, const Targets& targets) const;
  std::vector<std::vector<Proposal>> ctm_propose(const Hidden& x, const SharedBatch& batch, std::uint32_t candidates, const Probe& probe) const;
  HeadLoss recursion_loss(const Hidden& x, const SharedBatch& batch, const Targets& targets) const;
  std::vector<std::vector<Proposal>> recursion_propose(const Hidden& x, const SharedBatch& batch, std::uint32_t candidates, const Probe& probe) const;

  ModelSettings settings_;
  std::uint32_t ticks_built_;  // settings_.ctm.ticks before any stage
  ParameterSet parameters_;
  Trunk trunk_;
  SpanHead head_;
  std::unique_ptr<Mind> mind_;  // of a CTM
  bool recompute_ = false;
  double sync_diversity_ = 0;
};

// Adds the parameters of a network of these settings to `parameters`, without memory for their numbers.
void declare_network(const ModelSettings& settings, ParameterSet& parameters);

}  // namespace mendel::model
