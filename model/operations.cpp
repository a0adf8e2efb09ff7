// Products in the type of the products, sums and norms in that of the numbers; attention is LibTorch's fused
// one over segments padded to the longest.
#include "operations.hpp"

#include <ATen/ATen.h>

#include <cmath>

namespace mendel::model {
namespace {

// x [N, H, w] turned by the angles of each row, cos and sin [N, 1, w / 2]: half-split.
at::Tensor turned(const at::Tensor& x_nhw, const at::Tensor& cos_n1p, const at::Tensor& sin_n1p) {
  const auto half = x_nhw.size(2) / 2;
  const auto x = x_nhw.to(cos_n1p.scalar_type());
  const auto first = x.narrow(2, 0, half), second = x.narrow(2, half, half);
  return at::cat({first * cos_n1p - second * sin_n1p, second * cos_n1p + first * sin_n1p}, 2).to(x_nhw.scalar_type());
}

// LibTorch's own: one kernel on a GPU.
at::Tensor fused_rms(const at::Tensor& x) { return at::rms_norm(x, {x.size(-1)}, {}, kRmsEpsilon); }

at::Tensor attended(const at::Tensor& qkv_n3d, std::int64_t heads, const Batch& batch, Reach reach, const Rotation& rotation) {
  const auto n = qkv_n3d.size(0), d = qkv_n3d.size(1) / 3, width = d / heads;
  const auto& slots = batch.slots(reach);
  const auto cos_n1p = rotation.cos_ph.index_select(0, slots.positions_n).unsqueeze(1);
  const auto sin_n1p = rotation.sin_ph.index_select(0, slots.positions_n).unsqueeze(1);
  const auto part = [&](std::int64_t i, bool turn) {
    auto x_nhw = qkv_n3d.narrow(1, i * d, d).view({n, heads, width});
    if (turn) x_nhw = turned(x_nhw, cos_n1p, sin_n1p);
    return x_nhw.index_select(0, slots.cell_m).view({slots.segments, slots.longest, heads, width}).transpose(1, 2);  // [S, H, L, w]
  };
  const auto o_shlw = at::scaled_dot_product_attention(part(0, true), part(1, true), part(2, false), slots.real_s11l.defined() ? std::optional(slots.real_s11l) : std::nullopt);
  const auto o_md = o_shlw.transpose(1, 2).reshape({slots.segments * slots.longest, d});
  return at::zeros({n, d}, o_md.options()).index_copy(0, slots.cell_k, o_md.index_select(0, slots.slot_k));
}

}  // namespace

Hidden block_by_operations(const Hidden& x, const Block& weights, const Batch& batch, Reach reach, const Rotation& rotation) {
  const auto product = weights.qkv->product.scalar_type(), sum = x.x_nd.scalar_type();
  const auto qkv_n3d = linear(x.x_nd.to(product), *weights.qkv);
  const auto mixed_nd = linear(attended(qkv_n3d, weights.heads, batch, reach, rotation), *weights.out);
  const auto h_nd = fused_rms(x.x_nd + mixed_nd.to(sum));
  const auto halves = linear(h_nd.to(product), *weights.gate_up).chunk(2, 1);  // gate, up [N, inner]
  const auto down_nd = linear(at::silu(halves[0]) * halves[1], *weights.down);
  return with_product(fused_rms(h_nd + down_nd.to(sum)), product);
}

Hidden input_cells_by_operations(const CellTables& tables, const Parameter* map, const Batch& batch) {
  const auto b = batch.samples, t = batch.columns, r = tables.embedding->value.size(1), d = map ? map->value.size(0) : r;
  const auto scale_bt1 = batch.mask_bt.unsqueeze(2).to(tables.embedding->value.scalar_type()) * std::sqrt(static_cast<double>(d));
  const auto e_btr = at::embedding(tables.embedding->value, batch.ids_bt) * scale_bt1;
  const auto padded = at::constant_pad_nd(e_btr, {0, 0, 2, 2});  // [B, T + 4, r]
  std::vector<at::Tensor> near;
  for (std::int64_t k = 0; k < 5; ++k) near.push_back(padded.narrow(1, k, t));
  const auto mixed = linear(at::cat(near, 2).view({b * t, 5 * r}), *tables.neighbours);  // [B T, d]
  const auto own = e_btr.view({b * t, r});
  auto sum = (map ? linear(own, *map) : own) + mixed;
  for (std::size_t i = 0; i < kPlaceTables; ++i) sum = sum + at::embedding(tables.places[i]->value, batch.places_bt[i]).view({b * t, d});
  const auto x = fused_rms(sum) * batch.mask_bt.view({b * t, 1}).to(mixed.scalar_type());
  return with_product(at::constant_pad_nd(x, {0, 0, 0, batch.rows - b * t}), tables.neighbours->product.scalar_type());
}

at::Tensor scores_by_operations(const at::Tensor& x_nd, const ScoreHead& head) {
  const auto t_nd = linear(x_nd.to(head.hidden->product.scalar_type()), *head.hidden).to(x_nd.scalar_type());
  return at::matmul(at::silu(t_nd + head.hidden_bias->value), head.weight->value.view({-1})) + head.bias->value;
}

at::Tensor gru_by_operations(const at::Tensor& input_lk3d, const at::Tensor& start_kd, const Gru& weights) {
  const auto product = weights.hidden->product.scalar_type();
  const auto input = (input_lk3d + weights.input_bias->value).chunk(3, 2);  // r, z, n [L, K, d]
  auto h = start_kd;
  std::vector<at::Tensor> states;
  for (std::int64_t l = 0; l < input_lk3d.size(0); ++l) {
    const auto recurrent = (linear(h.to(product), *weights.hidden).to(h.scalar_type()) + weights.hidden_bias->value).chunk(3, 1);
    const auto r = at::sigmoid(input[0][l] + recurrent[0]), z = at::sigmoid(input[1][l] + recurrent[1]);
    const auto fresh = at::tanh(input[2][l] + r * recurrent[2]);
    h = fresh + z * (h - fresh);
    states.push_back(h);
  }
  return at::stack(states);
}

}  // namespace mendel::model
