// The synapse model of a Continuous Thought Machine (CTM): mixes what was attended to with the neurons'
// state into the next pre-activations, over all neurons at once.
//
// Depth 1: linear, GLU, LayerNorm. More: a U-NET of Linear + LayerNorm + SiLU whose widths fall evenly
// from the neurons to 16; on the way up each level is LayerNorm(up + what stood there on the way down).
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "model/layers.hpp"

namespace mendel::model {

// Told the name and the value of each intermediate, for comparisons with references; usually empty.
using Record = std::function<void(const std::string& name, const at::Tensor& value)>;

// Weight and bias of a linear layer with bias, and of a LayerNorm: indices of parameters.
struct LinearIndex {
  std::size_t weight = 0, bias = 0;
};
LinearIndex add_linear(ParameterSet& parameters, const std::string& name, std::int64_t in, std::int64_t out);
LinearIndex add_norm(ParameterSet& parameters, const std::string& name, std::int64_t width);
at::Tensor layer_norm(const at::Tensor& x, const ParameterSet& parameters, const LinearIndex& norm);

// Width of each level, from the neurons to 16, truncated as the authors' code does. At least one level.
std::vector<std::int64_t> synapse_widths(std::int64_t neurons, std::int64_t depth);

// The parameters must outlive the synapse and its graphs.
class Synapse {
 public:
  Synapse(ParameterSet& parameters, const std::string& name, std::int64_t in, std::int64_t neurons, std::int64_t depth);

  // x [B, in] -> pre-activations [B, D].
  at::Tensor operator()(const at::Tensor& x_bi, const Record& record = {}) const;

 private:
  struct Level {
    LinearIndex linear, norm;
  };
  Level add_level(const std::string& name, std::int64_t in, std::int64_t out);
  at::Tensor level(const Level& l, const at::Tensor& x) const;

  ParameterSet& parameters_;
  bool flat_;  // depth 1
  Level first_;
  std::vector<Level> down_, up_;
  std::vector<LinearIndex> skip_;
};

}  // namespace mendel::model
