// Neuron-level models (NLM) of a CTM: every neuron has small weights of its own that turn the history of
// its pre-activations into its next post-activation.
//
// Two layers: M -> 2 H, GLU, H -> 2, GLU; or one: M -> 2, GLU. Each divides (W x + b) by a learned scalar.
// Layout: neurons first, [D, B, M], so that a layer is one batched product.
#pragma once

#include "model/synapse.hpp"

namespace mendel::model {

struct NeuronModelShape {
  std::int64_t neurons, memory;
  std::int64_t hidden = 0;  // 0: one layer
  bool layer_norm = false;  // of each layer's input
};

// The parameters must outlive the models and their graphs.
class NeuronModels {
 public:
  // Weights are kept as the authors keep them: [in, out, D].
  NeuronModels(ParameterSet& parameters, const std::string& name, const NeuronModelShape& shape);

  // Weights turned for the batched product; made once, used at every tick.
  struct Ready {
    std::vector<at::Tensor> weight_dio, bias_d1o;
  };
  // `memory`: only the newest so many pre-activations are read.
  Ready ready(std::int64_t memory) const;
  // Brings the start values of the weights to a memory that begins shorter and grows: the inputs of older
  // pre-activations are 0, as if the weights had been padded, and the others as large as their number asks for.
  void start_with(std::int64_t memory);

  // trace [D, B, M], newest last -> post-activations [B, D].
  at::Tensor operator()(const Ready& ready, const at::Tensor& trace_dbm, const Record& record = {}) const;

 private:
  struct Layer {
    std::size_t weight, bias, temperature;
    LinearIndex norm;
  };
  void add_layer(const std::string& name, std::int64_t in, std::int64_t out, std::int64_t neurons);

  ParameterSet& parameters_;
  bool layer_norm_;
  std::vector<Layer> layers_;
};

}  // namespace mendel::model
