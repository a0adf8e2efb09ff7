// The Tiny Recursive Model as its authors have it: a token at every cell of a fixed-length sequence,
// stablemax cross entropy, halting by a score of the first cell, carried supervision steps in which halted
// rows are replaced. It stands on the same block and recursion as the repair models (layers, trunk) and is
// what `parity` compares with the original's numbers.
#pragma once

#include "model/trunk.hpp"

namespace mendel::model {

struct TrmShape {
  std::int64_t vocabulary, width, heads, inner, layers, length;
  std::uint32_t high_cycles, low_cycles, steps_max;
  std::int64_t ignored_label = -100;
};

// B rows, S cells, d width, V vocabulary.
struct TrmCarry {
  at::Tensor z_bsd, y_bsd;  // the authors' zL and zH
  at::Tensor steps_b, halted_b;  // int64; 0 or 1 (byte)
  at::Tensor tokens_bs, labels_bs;  // in force
};

struct TrmStep {
  at::Tensor logits_bsv, halt_b, go_on_b;  // go_on enters no loss
  TrmCarry carry;  // cut off from the gradient
};

// Sums over the rows.
struct TrmLoss {
  at::Tensor tokens, halt, total;  // total = tokens + halt / 2
  at::Tensor right_b;  // byte: all labelled cells right; a row without labels counts as right
};

class Trm {
 public:
  // Parameters embed, lm_head, q_head.{weight,bias}, layer{i}.{attn.qkv,attn.o,mlp.gate_up,mlp.down}. Double
  // or float throughout.
  Trm(const TrmShape& shape, std::int64_t rows, at::ScalarType type);
  Trm(const Trm&) = delete;
  Trm& operator=(const Trm&) = delete;

  ParameterSet& parameters() { return parameters_; }
  const ParameterSet& parameters() const { return parameters_; }
  const TrmShape& shape() const { return shape_; }
  // Start states [d] and rotation tables [S, d / heads / 2]: never trained.
  void set_buffers(at::Tensor z_start_d, at::Tensor y_start_d, Rotation rotation);

  const at::Tensor& start_z() const { return z_start_; }
  const at::Tensor& start_y() const { return y_start_; }

  TrmCarry fresh() const;  // all rows halted, so that the first step takes new data
  // One supervision step in training: halted rows take the offered data and start anew.
  TrmStep step(const TrmCarry& carry, const at::Tensor& tokens_bs, const at::Tensor& labels_bs) const;
  TrmLoss loss(const TrmStep& step) const;

  // Parts, for comparisons: cells [B, S, d] through the first `layers` layers; embedded tokens.
  at::Tensor run(const at::Tensor& x_bsd, std::int64_t layers) const;
  at::Tensor embed(const at::Tensor& tokens_bs) const;
  // `cycles` of `low` inner updates and one outer each, from (z, y).
  Carry cycles(const at::Tensor& x_bsd, const Carry& from, std::uint32_t cycles, std::uint32_t low) const;
  Block layer(std::int64_t index) const;
  const SharedBatch& batch() const { return batch_; }
  const Rotation& rotation() const { return rotation_; }
  at::Tensor flat(const at::Tensor& x_bsd) const;  // [N, d], padded to the batch's rows
  at::Tensor square(const at::Tensor& x_nd) const;  // and back

 private:
  Hidden net(const at::Tensor& x_nd, std::int64_t layers) const;

  TrmShape shape_;
  std::int64_t rows_;
  ParameterSet parameters_;
  std::size_t embed_, head_, halt_, halt_bias_;
  std::vector<std::size_t> layers_;  // the first of four parameters
  SharedBatch batch_;
  at::Tensor z_start_, y_start_;
  Rotation rotation_;
};

// log(s(x) / sum s(x)) with s(x) = x + 1 for x >= 0, else 1 / (1 - x); always computed and answered in double.
at::Tensor log_stablemax(const at::Tensor& logits);
// -log_stablemax at the label, 0 where it is ignored; shape of the labels.
at::Tensor stablemax_cross_entropy(const at::Tensor& logits, const at::Tensor& labels, std::int64_t ignored_label);

}  // namespace mendel::model
