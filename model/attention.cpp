// One query a sample over keys that were projected once.
#include "attention.hpp"

#include <ATen/ATen.h>

#include <cmath>

namespace mendel::model {

CrossAttention::CrossAttention(ParameterSet& parameters, const std::string& name, std::int64_t width, std::int64_t heads)
    : parameters_(parameters), width_(width), heads_(heads), in_(add_linear(parameters, name + ".in", width, 3 * width)),
      out_(add_linear(parameters, name + ".out", width, width)) {}

at::Tensor CrossAttention::split(const at::Tensor& x_bnd) const {
  const auto b = x_bnd.size(0), n = x_bnd.size(1);
  return x_bnd.reshape({b, n, heads_, width_ / heads_}).transpose(1, 2).reshape({b * heads_, n, width_ / heads_});
}

CrossAttention::Memory CrossAttention::memorize(const at::Tensor& kv_bnd, const at::Tensor& pad_bn) const {
  const auto weight = parameters_[in_.weight].value.narrow(0, width_, 2 * width_), bias = parameters_[in_.bias].value.narrow(0, width_, 2 * width_);
  const auto both = at::linear(kv_bnd, weight, bias);  // [B, N, 2 d]
  Memory out{split(both.narrow(2, 0, width_)), split(both.narrow(2, width_, width_)), {}};
  if (pad_bn.defined()) out.pad_h1n = pad_bn.repeat_interleave(heads_, 0).unsqueeze(1);
  return out;
}

CrossAttention::Answer CrossAttention::operator()(const at::Tensor& query_bd, const Memory& memory) const {
  const auto b = query_bd.size(0);
  const auto query = at::linear(query_bd, parameters_[in_.weight].value.narrow(0, 0, width_), parameters_[in_.bias].value.narrow(0, 0, width_));
  const auto query_h1d = split(query.unsqueeze(1)) * std::sqrt(1 / static_cast<double>(width_ / heads_));
  auto score_h1n = at::bmm(query_h1d, memory.key_hnd.transpose(1, 2));
  if (memory.pad_h1n.defined()) score_h1n = score_h1n + memory.pad_h1n;
  const auto weights_h1n = score_h1n.softmax(2);
  const auto mixed_bd = at::bmm(weights_h1n, memory.value_hnd).view({b, width_});  // heads side by side
  return {linear(mixed_bd, parameters_[out_.weight], parameters_[out_.bias]), weights_h1n.view({b, heads_, -1})};
}

}  // namespace mendel::model
