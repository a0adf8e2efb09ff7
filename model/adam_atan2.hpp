// AdamATan2, the optimizer of TRM's authors: Adam whose quotient is an arc tangent, so that no epsilon is
// needed and the update has no scale of its own. Decoupled decay comes first and on every parameter.
#pragma once

#include <ATen/core/Tensor.h>

namespace mendel::model {

struct AdamAtan2Options {
  double beta1 = 0.9, beta2 = 0.95, weight_decay = 0.1;
};

// p <- p (1 - rate wd); m, v as Adam's; p <- p - rate / (1 - beta1^t) atan2(m, sqrt(v) / sqrt(1 - beta2^t)).
// The first bias correction multiplies outside the arc tangent; t counts from 1.
struct AdamAtan2Moments {
  at::Tensor first, second;
  std::int64_t step = 0;
};
void adam_atan2_step(at::Tensor& value, const at::Tensor& gradient, const AdamAtan2Options& options, double rate, AdamAtan2Moments& moments);

}  // namespace mendel::model
