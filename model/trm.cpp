// The authors' TRM on our block and recursion.
#include "trm.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <cmath>

namespace mendel::model {
namespace {

// Rows of equal length: every cell attends to all cells of its row.
SharedBatch rows_of(std::int64_t rows, std::int64_t length) {
  Sample sample;
  const auto n = static_cast<std::size_t>(length);
  sample.cells.assign(n, kEolId);
  sample.rows.assign(n, 0);
  sample.columns.assign(n, 0);
  return make_batch(std::vector<Sample>(static_cast<std::size_t>(rows), sample));
}

}  // namespace

at::Tensor log_stablemax(const at::Tensor& logits) {
  const auto x = logits.to(at::kDouble);
  // Both branches are finite everywhere, else a logit of exactly 1 would give no number in the gradient.
  const auto below = x.lt(0);
  const auto s = at::where(below, 1 / (1 - at::where(below, x, at::zeros_like(x))), x + 1);
  return at::log(s / s.sum(-1, true));
}

at::Tensor stablemax_cross_entropy(const at::Tensor& logits, const at::Tensor& labels, std::int64_t ignored_label) {
  const auto known = labels.ne(ignored_label);
  const auto label = at::where(known, labels, at::zeros_like(labels)).unsqueeze(-1);
  return at::where(known, -log_stablemax(logits).gather(-1, label).squeeze(-1), at::zeros(1, at::kDouble));
}

Trm::Trm(const TrmShape& shape, std::int64_t rows, at::ScalarType type)
    : shape_(shape), rows_(rows), parameters_(type, type), batch_(rows_of(rows, shape.length)) {
  const auto d = shape.width;
  embed_ = parameters_.add("embed", {shape.vocabulary, d}, {}, false);
  for (std::int64_t i = 0; i < shape.layers; ++i) {
    const auto name = "layer" + std::to_string(i);
    layers_.push_back(parameters_.add(name + ".attn.qkv", {3 * d, d}, {}, true));
    parameters_.add(name + ".attn.o", {d, d}, {}, true);
    parameters_.add(name + ".mlp.gate_up", {2 * shape.inner, d}, {}, true);
    parameters_.add(name + ".mlp.down", {d, shape.inner}, {}, true);
  }
  head_ = parameters_.add("lm_head", {shape.vocabulary, d}, {}, true);
  halt_ = parameters_.add("q_head.weight", {2, d}, {}, false);
  halt_bias_ = parameters_.add("q_head.bias", {2}, {}, false);
  parameters_.finish(0);
}

void Trm::set_buffers(at::Tensor z_start_d, at::Tensor y_start_d, Rotation rotation) {
  z_start_ = std::move(z_start_d);
  y_start_ = std::move(y_start_d);
  rotation_ = std::move(rotation);
}

Block Trm::layer(std::int64_t index) const {
  const auto at = layers_[static_cast<std::size_t>(index)];
  return {&parameters_[at], &parameters_[at + 1], &parameters_[at + 2], &parameters_[at + 3], shape_.heads};
}

at::Tensor Trm::flat(const at::Tensor& x_bsd) const {
  return at::constant_pad_nd(x_bsd.reshape({-1, shape_.width}), {0, 0, 0, batch_->rows - rows_ * shape_.length});
}

at::Tensor Trm::square(const at::Tensor& x_nd) const { return x_nd.narrow(0, 0, rows_ * shape_.length).view({rows_, shape_.length, shape_.width}); }

Hidden Trm::net(const at::Tensor& x_nd, std::int64_t layers) const {
  auto x = with_product(x_nd, parameters_.product_type());
  for (std::int64_t i = 0; i < layers; ++i) x = block(x, layer(i), batch_, Reach::function, rotation_);
  return x;
}

at::Tensor Trm::run(const at::Tensor& x_bsd, std::int64_t layers) const { return square(net(flat(x_bsd), layers).x_nd); }

at::Tensor Trm::embed(const at::Tensor& tokens_bs) const {
  return at::embedding(parameters_[embed_].value, tokens_bs) * std::sqrt(static_cast<double>(shape_.width));
}

Carry Trm::cycles(const at::Tensor& x_bsd, const Carry& from, std::uint32_t cycles, std::uint32_t low) const {
  Carry carry{flat(from.z_nd), flat(from.y_nd)};
  const auto whole = [this](const at::Tensor& input_nd) { return net(input_nd, shape_.layers); };
  recurse(whole, flat(x_bsd), carry, cycles, low);
  return {square(carry.z_nd), square(carry.y_nd)};
}

TrmCarry Trm::fresh() const {
  const auto type = parameters_.type();
  const auto none_bs = at::zeros({rows_, shape_.length}, at::kLong);
  const auto state_bsd = at::zeros({rows_, shape_.length, shape_.width}, type);
  return {state_bsd, state_bsd, at::zeros({rows_}, at::kLong), at::ones({rows_}, at::kByte), none_bs, none_bs};
}

TrmStep Trm::step(const TrmCarry& before, const at::Tensor& tokens_bs, const at::Tensor& labels_bs) const {
  TrmStep out;
  auto& carry = out.carry;
  const auto anew_b = before.halted_b.to(at::kBool);
  const auto anew_b1 = anew_b.unsqueeze(1), anew_b11 = anew_b1.unsqueeze(2);
  // By choice, not by a product with a mask: a row that is no number must not stay so.
  carry.tokens_bs = at::where(anew_b1, tokens_bs, before.tokens_bs);
  carry.labels_bs = at::where(anew_b1, labels_bs, before.labels_bs);
  Carry state{flat(at::where(anew_b11, z_start_, before.z_bsd)), flat(at::where(anew_b11, y_start_, before.y_bsd))};
  const auto whole = [this](const at::Tensor& input_nd) { return net(input_nd, shape_.layers); };
  const auto y_bsd = square(recurse(whole, flat(embed(carry.tokens_bs)), state, shape_.high_cycles, shape_.low_cycles).x_nd);
  out.logits_bsv = at::matmul(y_bsd, parameters_[head_].value.t());
  const auto q_b2 = at::linear(y_bsd.select(1, 0), parameters_[halt_].value, parameters_[halt_bias_].value);
  out.halt_b = q_b2.select(1, 0);
  out.go_on_b = q_b2.select(1, 1);
  carry.z_bsd = square(state.z_nd);
  carry.y_bsd = square(state.y_nd);
  carry.steps_b = at::where(anew_b, at::zeros_like(before.steps_b), before.steps_b) + 1;
  carry.halted_b = carry.steps_b.ge(static_cast<std::int64_t>(shape_.steps_max)).logical_or(out.halt_b.detach().gt(0)).to(at::kByte);
  return out;
}

TrmLoss Trm::loss(const TrmStep& step) const {
  const auto& labels = step.carry.labels_bs;
  const auto known = labels.ne(shape_.ignored_label);
  TrmLoss out;
  const auto cells_bs = stablemax_cross_entropy(step.logits_bsv, labels, shape_.ignored_label);
  out.tokens = (cells_bs.sum(1) / known.sum(1).clamp_min(1)).sum();
  out.right_b = step.logits_bsv.detach().argmax(2).eq(labels).logical_or(known.logical_not()).all(1).to(at::kByte);
  out.halt = at::binary_cross_entropy_with_logits(step.halt_b, out.right_b.to(step.halt_b.scalar_type()), {}, {}, at::Reduction::Sum);
  out.total = out.tokens + 0.5 * out.halt;
  return out;
}

}  // namespace mendel::model
