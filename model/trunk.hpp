// The trunk: input cells, layers applied once, then (if there are any) the layers of the shared
// recursive net of the Tiny Recursive Model (TRM): H x [L x (z = f(z + y + x)); y = f(y + z)] with the
// gradient through the last of the H cycles only. H = 0 runs the net once.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "model/layers.hpp"
#include "model/repair_model.hpp"

namespace mendel::model {

// State between supervision steps, cut off from the gradient.
struct Carry {
  at::Tensor z_nd, y_nd;
};

// One supervision step of the recursion on `net`: `carry` is read and replaced by its last state. Answers y.
Hidden recurse(const std::function<Hidden(const at::Tensor&)>& net, const at::Tensor& x_nd, Carry& carry, std::uint32_t high_cycles,
               std::uint32_t low_cycles);

class Trunk {
 public:
  // Adds its parameters to `parameters`, which must outlive the trunk.
  Trunk(const ModelSettings& settings, ParameterSet& parameters);
  // After parameters.finish: draws the start states (buffers, never trained) and the rotation tables.
  void finish(std::uint64_t seed);

  // The encoded input; computed once, shared by all supervision steps.
  Hidden encode(const SharedBatch& batch) const;
  // One supervision step on the encoded input. `carry` is read and replaced; nothing: the start states.
  Hidden step(const Hidden& x, const SharedBatch& batch, std::optional<Carry>& carry) const;

  // Keep no activations inside the calls of the recursive net and the encoder's layers (recompute.hpp).
  void set_recompute(bool on) { recompute_ = on; }

  const TokenTable& tokens() const { return tokens_; }
  // Buffers [d], never trained.
  at::Tensor& z_start() { return z_start_; }
  const at::Tensor& z_start() const { return z_start_; }
  at::Tensor& y_start() { return y_start_; }
  const at::Tensor& y_start() const { return y_start_; }

 private:
  struct BlockIndex {
    std::size_t qkv, out, gate_up, down;
  };
  BlockIndex add_block(const std::string& name);
  Hidden layer(const BlockIndex& block, Reach reach, const Hidden& x, const SharedBatch& batch) const;
  Hidden run(const std::vector<BlockIndex>& blocks, const std::string& kinds, Hidden x, const SharedBatch& batch) const;

  ModelSettings settings_;
  ParameterSet& parameters_;
  bool recompute_ = false;
  TokenTable tokens_;
  std::size_t neighbours_;
  std::array<std::size_t, kPlaceTables> places_;
  std::vector<BlockIndex> encoder_, recursive_;
  at::Tensor z_start_, y_start_;
  Rotation rotation_;
};

// Inner width of SwiGLU: as set, or 8/3 of the width, rounded up to a multiple of 32.
std::int64_t inner_width(const ModelSettings& settings);

}  // namespace mendel::model
