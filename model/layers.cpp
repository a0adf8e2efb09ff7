// Layers as nodes of autograd: matrix products by ATen, all between them by kernels.hpp. Where a batch has slots
// (on_device) they are those of operations.hpp.
#include "layers.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/functions/utils.h>
#include <torch/csrc/autograd/variable.h>

#include <cmath>
#include <type_traits>

#include "operations.hpp"

namespace mendel::model {
namespace {

using torch::autograd::Node;
using torch::autograd::variable_list;

template <class T>
T* data(const at::Tensor& t) {
  return t.defined() ? static_cast<T*>(t.data_ptr()) : nullptr;
}

// Calls `run` with the kernels of the two types at hand: run(kernels, S{}, P{}).
template <class F>
void with_kernels(at::ScalarType product_type, F run) {
  if (product_type == at::kBFloat16) {
    run(kernels_bf16(), float{}, Bf16{});
  } else if (product_type == at::kDouble) {
    run(kernels_f64(), double{}, double{});
  } else {
    run(kernels_f32(), float{}, float{});
  }
}

// Attaches `node` to `output` if any input wants a gradient. `inputs` in the order of the node's answers.
void connect(const at::Tensor& output, c10::intrusive_ptr<Node> node, const std::vector<at::Tensor>& inputs) {
  node->set_next_edges(torch::autograd::collect_next_edges(inputs));
  torch::autograd::set_history(output, node);
}

bool wanted(const std::vector<at::Tensor>& inputs) {
  return c10::GradMode::is_enabled() && torch::autograd::any_variable_requires_grad(inputs);
}

at::Tensor as(const at::Tensor& t, at::ScalarType type) { return t.scalar_type() == type ? t : t.to(type); }

struct LinearBackward : Node {
  at::Tensor x, weight;  // in the type of the products
  bool transposed = false;

  variable_list apply(variable_list&& grads) override {
    const c10::NoGradGuard no_grad;
    const auto dy = as(grads[0], weight.scalar_type());
    const auto type = grads[0].scalar_type();
    auto dx = at::mm(dy, transposed ? weight.t() : weight);
    auto dweight = transposed ? at::mm(x.t(), dy) : at::mm(dy.t(), x);
    return {as(dx, type), as(dweight, type)};
  }
};

at::Tensor linear_map(const at::Tensor& x, const Parameter& weight, bool transposed) {
  const auto in = x.size(-1);
  const auto flat = x.reshape({-1, in});
  at::Tensor y;
  const auto x_product = as(flat.detach(), weight.product.scalar_type());
  {
    const c10::NoGradGuard no_grad;
    y = as(at::mm(x_product, transposed ? weight.product : weight.product.t()), x.scalar_type());
  }
  if (wanted({flat, weight.value})) {
    auto node = c10::make_intrusive<LinearBackward>();
    node->x = x_product;
    node->weight = weight.product;
    node->transposed = transposed;
    connect(y, node, {flat, weight.value});
  }
  auto shape = x.sizes().vec();
  shape.back() = y.size(-1);
  return y.view(shape);
}

}  // namespace

at::Tensor linear(const at::Tensor& x, const Parameter& weight) { return linear_map(x, weight, false); }
at::Tensor linear(const at::Tensor& x, const Parameter& weight, const Parameter& bias) {
  return linear_map(x, weight, false) + bias.value;
}
at::Tensor linear_transposed(const at::Tensor& x, const Parameter& weight) { return linear_map(x, weight, true); }

at::Tensor embedded(const ParameterSet& parameters, const TokenTable& table, const at::Tensor& ids, std::int64_t width) {
  const auto rows = at::embedding(parameters[table.table].value, ids) * std::sqrt(static_cast<double>(width));
  return table.factored ? linear(rows, parameters[table.map]) : rows;
}

at::Tensor rms(const at::Tensor& x) { return x * (x.square().mean(-1, true) + kRmsEpsilon).rsqrt(); }

Hidden with_product(const at::Tensor& x_nd, at::ScalarType product_type) { return {x_nd, as(x_nd.detach(), product_type)}; }

Rotation make_rotation(std::int64_t positions, std::int64_t head_width, at::ScalarType type) {
  const auto frequency = at::pow(1e4, -at::arange(0, head_width, 2, at::kFloat) / static_cast<double>(head_width));
  const auto angle_ph = at::arange(positions, at::kFloat).unsqueeze(1) * frequency.unsqueeze(0);
  return {angle_ph.cos().to(type).contiguous(), angle_ph.sin().to(type).contiguous()};
}

namespace {

// One transformer block: what its backward pass needs of the forward one.
struct BlockBackward : Node {
  Block weights;
  SharedBatch batch;
  const Rotation* rotation;
  Reach reach;
  // x, qkv, o, h, gate_up and a in the type of the products; the others in that of the sums.
  at::Tensor x, qkv, o, h_product, gate_up, a;
  at::Tensor log_sum, h, h_inverse, y, y_inverse;

  AttentionShape shape() const {
    return {x.size(0), x.size(1), weights.heads, batch->segments(reach).view(), batch->positions(reach).data()};
  }

  template <class S, class P>
  void forward(const Kernels<S, P>& k, const at::Tensor& x_nd, at::Tensor& y_product) {
    const auto n = x_nd.size(0), d = x_nd.size(1), inner = weights.down->value.size(1);
    const auto sums = x_nd.options();
    const auto s = shape();
    const auto scratch = at::empty({static_cast<std::int64_t>(attention_scratch(s))}, sums);
    qkv = at::mm(x, weights.qkv->product.t());  // [N, 3d]
    o = at::empty_like(x);
    log_sum = at::empty({n, weights.heads}, sums);
    k.attention_forward(s, data<P>(qkv), data<S>(rotation->cos_ph), data<S>(rotation->sin_ph), data<P>(o), data<S>(log_sum),
                        data<S>(scratch));
    const auto mixed = at::mm(o, weights.out->product.t());  // [N, d]
    h = at::empty_like(x_nd);
    h_product = at::empty_like(x);
    h_inverse = at::empty({n}, sums);
    k.rms_forward(n, d, data<S>(x_nd), data<P>(mixed), data<S>(h), data<P>(h_product), data<S>(h_inverse));
    gate_up = at::mm(h_product, weights.gate_up->product.t());  // [N, 2 inner]
    a = at::empty({n, inner}, x.options());
    k.swiglu_forward(n, inner, data<P>(gate_up), data<P>(a));
    const auto down = at::mm(a, weights.down->product.t());  // [N, d]
    y = at::empty_like(x_nd);
    y_product = at::empty_like(x);
    y_inverse = at::empty({n}, sums);
    k.rms_forward(n, d, data<S>(h), data<P>(down), data<S>(y), data<P>(y_product), data<S>(y_inverse));
  }

  template <class S, class P>
  variable_list backward(const Kernels<S, P>& k, const at::Tensor& dy) {
    const auto n = h.size(0), d = h.size(1), inner = a.size(1);
    const auto type = h.scalar_type();
    auto du = at::empty_like(h), du_product = at::empty_like(x);
    k.rms_backward(n, d, data<S>(y), data<S>(y_inverse), data<S>(dy), nullptr, data<S>(du), data<P>(du_product));
    const auto ddown = as(at::mm(du_product.t(), a), type);
    const auto da = at::mm(du_product, weights.down->product);  // [N, inner]
    const auto dgate_up = at::empty_like(gate_up);
    k.swiglu_backward(n, inner, data<P>(gate_up), data<P>(da), data<P>(dgate_up));
    const auto dgate_up_weight = as(at::mm(dgate_up.t(), h_product), type);
    const auto dh = at::mm(dgate_up, weights.gate_up->product);  // [N, d]
    auto dx = at::empty_like(h);
    k.rms_backward(n, d, data<S>(h), data<S>(h_inverse), data<S>(du), data<P>(dh), data<S>(dx), data<P>(du_product));
    const auto dout = as(at::mm(du_product.t(), o), type);
    const auto d_o = at::mm(du_product, weights.out->product);
    const auto s = shape();
    const auto scratch = at::empty({static_cast<std::int64_t>(attention_scratch(s))}, h.options());
    const auto dqkv = at::empty_like(qkv);
    k.attention_backward(s, data<P>(qkv), data<S>(rotation->cos_ph), data<S>(rotation->sin_ph), data<P>(o), data<S>(log_sum),
                         data<P>(d_o), data<P>(dqkv), data<S>(scratch));
    const auto dqkv_weight = as(at::mm(dqkv.t(), x), type);
    dx.add_(at::mm(dqkv, weights.qkv->product));
    return {dx, dqkv_weight, dout, dgate_up_weight, ddown};
  }

  variable_list apply(variable_list&& grads) override {
    const c10::NoGradGuard no_grad;
    const auto dy = grads[0].contiguous();
    variable_list out;
    with_kernels(x.scalar_type(), [&](const auto& k, auto, auto) { out = backward(k, dy); });
    return out;
  }
};

}  // namespace

Hidden block(const Hidden& x, const Block& weights, const SharedBatch& batch, Reach reach, const Rotation& rotation) {
  if (batch->slots_of) return block_by_operations(x, weights, *batch, reach, rotation);
  auto node = c10::make_intrusive<BlockBackward>();
  node->weights = weights;
  node->batch = batch;
  node->rotation = &rotation;
  node->reach = reach;
  node->x = x.product_nd;
  Hidden y;
  {
    const c10::NoGradGuard no_grad;
    with_kernels(x.product_nd.scalar_type(), [&](const auto& k, auto, auto) { node->forward(k, x.x_nd.contiguous(), y.product_nd); });
  }
  const std::vector<at::Tensor> inputs = {x.x_nd, weights.qkv->value, weights.out->value, weights.gate_up->value, weights.down->value};
  // The node keeps an alias without history: its own output would hold the node alive for ever.
  y.x_nd = node->y.detach();
  if (wanted(inputs)) connect(y.x_nd, node, inputs);
  return y;
}

BlockParts block_parts(const Hidden& x, const Block& weights, const SharedBatch& batch, Reach reach, const Rotation& rotation) {
  const c10::NoGradGuard no_grad;
  const auto node = c10::make_intrusive<BlockBackward>();
  node->weights = weights;
  node->batch = batch;
  node->rotation = &rotation;
  node->reach = reach;
  node->x = x.product_nd;
  at::Tensor y_product;
  with_kernels(x.product_nd.scalar_type(), [&](const auto& k, auto, auto) { node->forward(k, x.x_nd.contiguous(), y_product); });
  return {node->qkv, at::mm(node->o, weights.out->product.t()), node->h, at::mm(node->a, weights.down->product.t())};
}

namespace {

struct CellsBackward : Node {
  CellTables tables;
  SharedBatch batch;
  at::Tensor neighbours, y, y_inverse;

  InputCells cells(std::int64_t width) const {
    InputCells out{batch->rows, width, batch->samples, batch->columns, data<std::int64_t>(batch->ids_bt), {}, batch->lengths.data()};
    for (std::size_t i = 0; i < kPlaceTables; ++i) out.places[i] = data<std::int64_t>(batch->places_bt[i]);
    return out;
  }

  template <class S, class P>
  void forward(const Kernels<S, P>& k, at::Tensor& y_product) {
    const auto n = batch->rows, d = tables.embedding->value.size(1);
    const auto sums = tables.embedding->value.options().requires_grad(false);
    const auto products = tables.neighbours->product.options();
    const auto u = at::empty({n, d}, sums);
    neighbours = at::empty({n, 5 * d}, products);
    std::array<const S*, kPlaceTables> places;
    for (std::size_t i = 0; i < kPlaceTables; ++i) places[i] = data<S>(tables.places[i]->value);
    k.cells_forward(cells(d), data<S>(tables.embedding->value), places.data(), data<S>(u), data<P>(neighbours));
    const auto mixed = at::mm(neighbours, tables.neighbours->product.t());  // [N, d]
    y = at::empty({n, d}, sums);
    y_product = at::empty({n, d}, products);
    y_inverse = at::empty({n}, sums);
    k.rms_forward(n, d, data<S>(u), data<P>(mixed), data<S>(y), data<P>(y_product), data<S>(y_inverse));
  }

  template <class S, class P>
  variable_list backward(const Kernels<S, P>& k, const at::Tensor& dy) {
    const auto n = y.size(0), d = y.size(1);
    const auto du = at::empty_like(y), du_product = at::empty({n, d}, neighbours.options());
    k.rms_backward(n, d, data<S>(y), data<S>(y_inverse), data<S>(dy), nullptr, data<S>(du), data<P>(du_product));
    const auto dweight = as(at::mm(du_product.t(), neighbours), y.scalar_type());
    const auto dneighbours = at::mm(du_product, tables.neighbours->product);  // [N, 5d]
    const auto zeros = [](const Parameter* p) { return at::zeros(p->value.sizes(), p->value.options().requires_grad(false)); };
    variable_list out = {zeros(tables.embedding)};
    std::array<S*, kPlaceTables> dplaces;
    for (std::size_t i = 0; i < kPlaceTables; ++i) dplaces[i] = data<S>(out.emplace_back(zeros(tables.places[i])));
    k.cells_backward(cells(d), data<S>(du), data<P>(dneighbours), data<S>(out[0]), dplaces.data());
    out.push_back(dweight);
    return out;
  }

  variable_list apply(variable_list&& grads) override {
    const c10::NoGradGuard no_grad;
    const auto dy = grads[0].contiguous();
    variable_list out;
    with_kernels(neighbours.scalar_type(), [&](const auto& k, auto, auto) { out = backward(k, dy); });
    return out;
  }
};

}  // namespace

Hidden input_cells(const CellTables& tables, const SharedBatch& batch) {
  if (batch->slots_of) return input_cells_by_operations(tables, nullptr, *batch);
  auto node = c10::make_intrusive<CellsBackward>();
  node->tables = tables;
  node->batch = batch;
  Hidden y;
  {
    const c10::NoGradGuard no_grad;
    with_kernels(tables.neighbours->product.scalar_type(), [&](const auto& k, auto, auto) { node->forward(k, y.product_nd); });
  }
  std::vector<at::Tensor> inputs = {tables.embedding->value};
  for (const auto* table : tables.places) inputs.push_back(table->value);
  inputs.push_back(tables.neighbours->value);
  y.x_nd = node->y.detach();
  if (wanted(inputs)) connect(y.x_nd, node, inputs);
  return y;
}

Hidden input_cells(const CellTables& tables, const Parameter& map, const SharedBatch& batch) { return input_cells_by_operations(tables, &map, *batch); }

namespace {

struct ScoresBackward : Node {
  ScoreHead head;
  at::Tensor x, t;

  template <class S, class P>
  void forward(const Kernels<S, P>& k, at::Tensor& score) {
    t = at::mm(x, head.hidden->product.t());  // [N, d]
    score = at::empty({x.size(0)}, head.hidden->value.options().requires_grad(false));
    k.score_forward(t.size(0), t.size(1), data<P>(t), data<S>(head.hidden_bias->value), data<S>(head.weight->value),
                    data<S>(head.bias->value), data<S>(score));
  }

  template <class S, class P>
  variable_list backward(const Kernels<S, P>& k, const at::Tensor& dscore) {
    const auto type = dscore.scalar_type();
    const auto dt = at::empty_like(t);
    const auto dbias = at::zeros({t.size(1)}, dscore.options()), dweight = at::zeros({1, t.size(1)}, dscore.options());
    k.score_backward(t.size(0), t.size(1), data<P>(t), data<S>(head.hidden_bias->value), data<S>(head.weight->value), data<S>(dscore),
                     data<P>(dt), data<S>(dbias), data<S>(dweight));
    return {as(at::mm(dt, head.hidden->product), type), as(at::mm(dt.t(), x), type), dbias, dweight, dscore.sum().view({1})};
  }

  variable_list apply(variable_list&& grads) override {
    const c10::NoGradGuard no_grad;
    const auto dscore = grads[0].contiguous();
    variable_list out;
    with_kernels(x.scalar_type(), [&](const auto& k, auto, auto) { out = backward(k, dscore); });
    return out;
  }
};

}  // namespace

at::Tensor scores(const Hidden& x, const ScoreHead& head) {
  auto node = c10::make_intrusive<ScoresBackward>();
  node->head = head;
  node->x = x.product_nd;
  at::Tensor score;
  {
    const c10::NoGradGuard no_grad;
    with_kernels(x.product_nd.scalar_type(), [&](const auto& k, auto, auto) { node->forward(k, score); });
  }
  const std::vector<at::Tensor> inputs = {x.x_nd, head.hidden->value, head.hidden_bias->value, head.weight->value, head.bias->value};
  if (wanted(inputs)) connect(score, node, inputs);
  return score;
}

namespace {

struct GruBackward : Node {
  Gru weights;
  at::Tensor before_lkd, before_product_lkd, saved_lk4d;

  template <class S, class P>
  at::Tensor forward(const Kernels<S, P>& k, const at::Tensor& input_lk3d, const at::Tensor& start_kd) {
    const auto steps = input_lk3d.size(0), count = input_lk3d.size(1), d = start_kd.size(1), n = count * d;
    const auto type = weights.hidden->product.scalar_type();
    auto states = at::empty({steps + 1, count, d}, start_kd.options().requires_grad(false));
    auto products = at::empty({steps + 1, count, d}, states.options().dtype(type));
    states[0].copy_(start_kd);
    products[0].copy_(start_kd);
    saved_lk4d = at::empty({steps, count, 4 * d}, states.options());
    for (std::int64_t l = 0; l < steps; ++l) {
      const auto recurrent = at::mm(products[l], weights.hidden->product.t());  // [K, 3d]
      k.gru_forward(count, d, data<S>(input_lk3d) + l * 3 * n, data<P>(recurrent), data<S>(weights.input_bias->value),
                    data<S>(weights.hidden_bias->value), data<S>(states) + l * n, data<S>(saved_lk4d) + l * 4 * n,
                    data<S>(states) + (l + 1) * n, data<P>(products) + (l + 1) * n);
    }
    before_lkd = states.narrow(0, 0, steps);
    before_product_lkd = products.narrow(0, 0, steps);
    return states.narrow(0, 1, steps);
  }

  template <class S, class P>
  variable_list backward(const Kernels<S, P>& k, const at::Tensor& dout_lkd) {
    const auto steps = dout_lkd.size(0), count = dout_lkd.size(1), d = dout_lkd.size(2), n = count * d;
    const auto dinput = at::empty({steps, count, 3 * d}, dout_lkd.options());
    const auto drecurrent = at::empty({steps, count, 3 * d}, before_product_lkd.options());
    auto dh = at::zeros({count, d}, dout_lkd.options());
    for (std::int64_t l = steps; l-- > 0;) {
      k.gru_backward(count, d, data<S>(saved_lk4d) + l * 4 * n, data<S>(before_lkd) + l * n, data<S>(dout_lkd) + l * n, data<S>(dh),
                     data<S>(dinput) + l * 3 * n, data<P>(drecurrent) + l * 3 * n);
      dh.add_(at::mm(drecurrent[l], weights.hidden->product));
    }
    const auto flat = drecurrent.view({-1, 3 * d});
    const auto type = dout_lkd.scalar_type();
    return {dinput, dh, as(at::mm(flat.t(), before_product_lkd.reshape({-1, d})), type), dinput.sum({0, 1}), as(flat, type).sum(0)};
  }

  variable_list apply(variable_list&& grads) override {
    const c10::NoGradGuard no_grad;
    const auto dout = grads[0].contiguous();
    variable_list out;
    with_kernels(weights.hidden->product.scalar_type(), [&](const auto& k, auto, auto) { out = backward(k, dout); });
    return out;
  }
};

}  // namespace

at::Tensor gru(const at::Tensor& x_lkd, const at::Tensor& start_kd, const Gru& weights) {
  const auto input_lk3d = linear(x_lkd, *weights.input).contiguous();
  auto node = c10::make_intrusive<GruBackward>();
  node->weights = weights;
  at::Tensor out_lkd;
  {
    const c10::NoGradGuard no_grad;
    with_kernels(weights.hidden->product.scalar_type(), [&](const auto& k, auto, auto) { out_lkd = node->forward(k, input_lk3d, start_kd); });
  }
  const std::vector<at::Tensor> inputs = {input_lk3d, start_kd, weights.hidden->value, weights.input_bias->value, weights.hidden_bias->value};
  out_lkd = out_lkd.detach();
  if (wanted(inputs)) connect(out_lkd, node, inputs);
  return out_lkd;
}

}  // namespace mendel::model
