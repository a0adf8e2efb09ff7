#include "optimizer.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>

namespace mendel::model {
namespace {

constexpr double kQuintic[] = {3.4445, -4.7750, 2.0315};
constexpr int kSchulzSteps = 5;
constexpr double kSchulzEpsilon = 1e-7;
constexpr double kBeta1 = 0.9, kBeta2 = 0.98, kAdamEpsilon = 1e-8;
constexpr double kNormMax = 1.0;
constexpr double kWarmupShare = 0.1, kFullShare = 0.5, kRateFloor = 0.03;

}  // namespace

at::Tensor newton_schulz(const at::Tensor& matrix, at::ScalarType product_type) {
  const bool tall = matrix.size(0) > matrix.size(1);
  auto x = matrix.to(product_type, /*non_blocking=*/false, /*copy=*/true);
  if (tall) x = x.t().contiguous();
  x.div_(x.norm().clamp_min(kSchulzEpsilon));
  for (int i = 0; i < kSchulzSteps; ++i) {
    const auto gram = at::mm(x, x.t());
    const auto update = at::addmm(gram, gram, gram, kQuintic[1], kQuintic[2]);
    x = at::addmm(x, update, x, kQuintic[0]);
  }
  return tall ? x.t() : x;
}

void muon_step(at::Tensor parameter, const at::Tensor& gradient, at::Tensor momentum, double rate, const MuonOptions& options,
               at::ScalarType product_type) {
  momentum.lerp_(gradient, 1 - options.momentum);
  const auto update = newton_schulz(at::lerp(gradient, momentum, options.momentum), product_type);
  const auto longer = static_cast<double>(std::max(parameter.size(0), parameter.size(1)));
  parameter.mul_(1 - rate * options.weight_decay);
  parameter.add_(update, -rate * 0.2 * std::sqrt(longer));
}

double rate_factor(const Progress& progress, std::uint32_t warmup_steps) {
  const double up = warmup_steps == 0 ? 1 : std::max(static_cast<double>(progress.step + 1) / warmup_steps, progress.share / kWarmupShare);
  const double down = progress.share < kFullShare ? 1 : std::max(kRateFloor, (1 - progress.share) / (1 - kFullShare));
  return std::min(1.0, up) * down;
}

Optimizer::Optimizer(ParameterSet& parameters, const MuonOptions& options, double ema)
    : parameters_(parameters), options_(options), ema_(ema) {
  state_.first = at::zeros_like(parameters.flat());
  state_.second = at::zeros_like(parameters.flat());
  state_.average = parameters.flat().clone();
}

void Optimizer::adamw(const Parameter& p, const at::Tensor& gradient, double rate) {
  const auto n = p.value.numel();
  const auto part = [&](const at::Tensor& flat) { return flat.narrow(0, p.offset, n); };
  auto first = part(state_.first), second = part(state_.second), value = part(parameters_.flat());
  const auto step = static_cast<double>(state_.step);
  first.lerp_(gradient, 1 - kBeta1);
  second.mul_(kBeta2).addcmul_(gradient, gradient, 1 - kBeta2);
  const auto divisor = second.sqrt().div_(std::sqrt(1 - std::pow(kBeta2, step))).add_(kAdamEpsilon);
  value.addcdiv_(first, divisor, -rate / (1 - std::pow(kBeta1, step)));
}

std::optional<double> Optimizer::step(at::Tensor gradient, double rate, Workers& workers) {
  const c10::NoGradGuard no_grad;
  const double norm = std::sqrt(gradient.square().sum(at::kDouble).item<double>());
  if (!std::isfinite(norm)) return std::nullopt;
  gradient.mul_(std::min(1.0, kNormMax / (norm + 1e-6)));
  ++state_.step;
  const auto& all = parameters_.all();
  workers.run(all.size(), [&](std::size_t i) {
    const c10::NoGradGuard no_grad_here;
    const auto& p = all[i];
    const auto part = gradient.narrow(0, p.offset, p.value.numel());
    if (!p.muon) return adamw(p, part, rate);
    const auto sizes = p.value.sizes();
    const auto view = [&](const at::Tensor& flat) { return flat.narrow(0, p.offset, p.value.numel()).view(sizes); };
    muon_step(view(parameters_.flat()), part.view(sizes), view(state_.first), rate, options_, parameters_.product_type());
  });
  parameters_.refresh_products();
  // Young averages forget faster, else the start values would weigh on them for long.
  const auto steps = static_cast<double>(state_.step);
  state_.average.lerp_(parameters_.flat(), 1 - std::min(ema_, (1 + steps) / (10 + steps)));
  return norm;
}

}  // namespace mendel::model
