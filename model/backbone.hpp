// What a CTM looks at: features of any encoder as keys and values, LayerNorm(linear(features)). Computed
// once, before the ticks.
#pragma once

#include "model/synapse.hpp"

namespace mendel::model {

class Backbone {
 public:
  Backbone(ParameterSet& parameters, const std::string& name, std::int64_t features, std::int64_t width)
      : parameters_(parameters), linear_(add_linear(parameters, name + ".linear", features, width)), norm_(add_norm(parameters, name + ".norm", width)) {}

  // features [B, N, d_feat] -> [B, N, d_input].
  at::Tensor operator()(const at::Tensor& features_bnf) const {
    return layer_norm(linear(features_bnf, parameters_[linear_.weight], parameters_[linear_.bias]), parameters_, norm_);
  }

 private:
  ParameterSet& parameters_;
  LinearIndex linear_, norm_;
};

}  // namespace mendel::model
