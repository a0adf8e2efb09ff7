// Neuron-level models as batched products over the neurons.
#include "nlm.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <cmath>

namespace mendel::model {
namespace {

// Makes up for the halving by the GLU: with 1 / sqrt(fan-in) a CTM starts nearly silent.
constexpr double kStartGain = 2;

}  // namespace

void NeuronModels::add_layer(const std::string& name, std::int64_t in, std::int64_t out, std::int64_t neurons) {
  Layer layer;
  layer.weight = parameters_.add(name + ".weight", {in, out, neurons}, {Start::Kind::normal, kStartGain / std::sqrt(static_cast<double>(in))}, false);
  layer.bias = parameters_.add(name + ".bias", {1, neurons, out}, {}, false);
  layer.temperature = parameters_.add(name + ".temperature", {1}, {Start::Kind::constant, 1}, false);
  if (layer_norm_) layer.norm = add_norm(parameters_, name + ".norm", in);
  layers_.push_back(layer);
}

NeuronModels::NeuronModels(ParameterSet& parameters, const std::string& name, const NeuronModelShape& shape)
    : parameters_(parameters), layer_norm_(shape.layer_norm) {
  add_layer(name + ".0", shape.memory, shape.hidden > 0 ? 2 * shape.hidden : 2, shape.neurons);
  if (shape.hidden > 0) add_layer(name + ".1", shape.hidden, 2, shape.neurons);
}

void NeuronModels::start_with(std::int64_t memory) {
  const c10::NoGradGuard no_grad;
  auto weight = parameters_[layers_[0].weight].value;  // [M, out, D]
  const auto older = weight.size(0) - memory;
  weight.narrow(0, 0, older).zero_();
  weight.narrow(0, older, memory).mul_(std::sqrt(static_cast<double>(weight.size(0)) / static_cast<double>(memory)));
}

NeuronModels::Ready NeuronModels::ready(std::int64_t memory) const {
  Ready out;
  for (const auto& layer : layers_) {
    auto weight = parameters_[layer.weight].value;
    if (out.weight_dio.empty()) weight = weight.narrow(0, weight.size(0) - memory, memory);
    out.weight_dio.push_back(weight.permute({2, 0, 1}).contiguous());
    out.bias_d1o.push_back(parameters_[layer.bias].value.permute({1, 0, 2}));
  }
  return out;
}

at::Tensor NeuronModels::operator()(const Ready& ready, const at::Tensor& trace_dbm, const Record& record) const {
  auto x = trace_dbm;  // [D, B, in]
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    if (layer_norm_) x = layer_norm(x, parameters_, layers_[i].norm);
    const auto y_dbo = (at::bmm(x, ready.weight_dio[i]) + ready.bias_d1o[i]) / parameters_[layers_[i].temperature].value;
    if (record) record("nlm." + std::to_string(i), y_dbo.transpose(0, 1));
    x = at::glu(y_dbo, -1);
  }
  return x.squeeze(2).t();  // [B, D]
}

}  // namespace mendel::model
