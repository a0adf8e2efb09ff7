// One step of AdamATan2.
#include "adam_atan2.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <cmath>

namespace mendel::model {

void adam_atan2_step(at::Tensor& value, const at::Tensor& gradient, const AdamAtan2Options& o, double rate, AdamAtan2Moments& m) {
  const c10::NoGradGuard no_grad;
  if (!m.first.defined()) {
    m.first = at::zeros_like(value);
    m.second = at::zeros_like(value);
  }
  m.step += 1;
  const auto t = static_cast<double>(m.step);
  value.mul_(1 - rate * o.weight_decay);
  m.first.lerp_(gradient, 1 - o.beta1);
  m.second.lerp_(gradient.square(), 1 - o.beta2);
  const auto root = m.second.sqrt() / std::sqrt(1 - std::pow(o.beta2, t));
  value.sub_(at::atan2(m.first, root), rate / (1 - std::pow(o.beta1, t)));
}

}  // namespace mendel::model
