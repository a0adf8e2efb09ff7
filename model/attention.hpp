// Attention of a CTM: one query a sample and tick over keys and values that never change, so their
// projection is taken out of the tick loop.
#pragma once

#include "model/synapse.hpp"

namespace mendel::model {

// Multi-head attention with a packed projection [q | k | v] and an output projection, all with bias.
// N keys, h heads of width d / h. The parameters must outlive it.
class CrossAttention {
 public:
  CrossAttention(ParameterSet& parameters, const std::string& name, std::int64_t width, std::int64_t heads);

  struct Memory {
    at::Tensor key_hnd, value_hnd;  // [B h, N, d / h]
    at::Tensor pad_h1n;  // [B h, 1, N], added to the scores; undefined: all keys are real
  };
  // kv [B, N, d]; pad [B, N] is 0 on real keys and very negative elsewhere, or undefined.
  Memory memorize(const at::Tensor& kv_bnd, const at::Tensor& pad_bn) const;

  struct Answer {
    at::Tensor out_bd, weights_bhn;
  };
  Answer operator()(const at::Tensor& query_bd, const Memory& memory) const;

 private:
  at::Tensor split(const at::Tensor& x_bnd) const;  // [B, N, d] -> [B h, N, d / h]

  ParameterSet& parameters_;
  std::int64_t width_, heads_;
  LinearIndex in_, out_;
};

}  // namespace mendel::model
