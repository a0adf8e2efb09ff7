// Muon, AdamW, clipping, schedule and average in few passes over flat vectors.
#include "optimizer.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "model/kernels.hpp"

namespace mendel::model {
namespace {

constexpr double kQuintic[] = {3.4445, -4.7750, 2.0315};
constexpr int kSchulzSteps = 5;
constexpr double kSchulzEpsilon = 1e-7;
constexpr double kBeta1 = 0.9, kAdamEpsilon = 1e-8;
constexpr double kWarmupShare = 0.1, kFullShare = 0.5, kRateFloor = 0.03;

}  // namespace

at::Tensor newton_schulz(at::Tensor x_grc) {
  const bool tall = x_grc.size(1) > x_grc.size(2);
  auto x = x_grc.div_(at::linalg_vector_norm(x_grc, 2, {1, 2}, true).clamp_min(kSchulzEpsilon));
  for (int i = 0; i < kSchulzSteps; ++i) {
    const auto turned = x.transpose(1, 2);
    const auto gram = tall ? at::bmm(turned, x) : at::bmm(x, turned);  // over the shorter side
    const auto update = at::baddbmm(gram, gram, gram, kQuintic[1], kQuintic[2]);
    x = tall ? at::baddbmm(x, x, update, kQuintic[0]) : at::baddbmm(x, update, x, kQuintic[0]);
  }
  return x;
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
  std::map<std::vector<std::int64_t>, Group> by_shape;
  for (const auto& p : parameters.all()) {
    if (p.muon && !options_.adamw_only) by_shape[p.value.sizes().vec()].push_back(&p);
    else groups_.push_back({&p});
  }
  for (auto& [shape, group] : by_shape) groups_.push_back(std::move(group));
  // Work of Newton-Schulz: so the heavy groups start first and the threads end together.
  const auto work = [this](const Group& g) {
    if (!g[0]->muon || options_.adamw_only) return static_cast<double>(g[0]->value.numel());
    const auto rows = static_cast<double>(g[0]->value.size(0)), columns = static_cast<double>(g[0]->value.size(1));
    const auto shorter = std::min(rows, columns), longer = std::max(rows, columns);
    return static_cast<double>(g.size()) * shorter * shorter * (4 * longer + 2 * shorter);
  };
  std::stable_sort(groups_.begin(), groups_.end(), [&](const auto& a, const auto& b) { return work(a) > work(b); });
}

template <class S, class P>
void Optimizer::muon(const Group& group, const S* gradient, double scale, double rate, P) {
  const auto& k = kernels<S, P>();
  const auto rows = group[0]->value.size(0), columns = group[0]->value.size(1), n = rows * columns;
  const auto count = static_cast<std::int64_t>(group.size());
  auto update_grc = at::empty({count, rows, columns}, parameters_.product_type());
  for (std::int64_t g = 0; g < count; ++g) {
    const auto at = group[static_cast<std::size_t>(g)]->offset;
    k.muon_momentum(n, gradient + at, scale, options_.momentum, state_.first.data_ptr<S>() + at, static_cast<P*>(update_grc.data_ptr()) + g * n);
  }
  update_grc = newton_schulz(update_grc).contiguous();
  const auto to_adamw = rate * 0.2 * std::sqrt(static_cast<double>(std::max(rows, columns)));
  for (std::int64_t g = 0; g < count; ++g)
    k.muon_apply(n, static_cast<const P*>(update_grc.data_ptr()) + g * n, 1 - rate * options_.weight_decay, to_adamw,
                 parameters_.flat().data_ptr<S>() + group[static_cast<std::size_t>(g)]->offset);
}

template <class S, class P>
void Optimizer::run(const Group& group, const S* gradient, double scale, double rate, P product) {
  const auto& k = kernels<S, P>();
  const auto steps = static_cast<double>(state_.step);
  if (group[0]->muon && !options_.adamw_only) {
    muon(group, gradient, scale, rate, product);
  } else {
    const auto at = group[0]->offset;
    const AdamwStep step{scale, rate, kBeta1, options_.beta2, kAdamEpsilon, 1 - std::pow(kBeta1, steps), 1 - std::pow(options_.beta2, steps)};
    if (group[0]->muon) parameters_.flat().narrow(0, at, group[0]->value.numel()).mul_(1 - rate * options_.weight_decay);
    k.adamw(group[0]->value.numel(), gradient + at, step, state_.first.data_ptr<S>() + at, state_.second.data_ptr<S>() + at,
            parameters_.flat().data_ptr<S>() + at);
  }
  // Young averages forget faster, else the start values would weigh on them for long.
  const auto weight = 1 - std::min(ema_, (1 + steps) / (10 + steps));
  for (const auto* p : group)
    k.follow(p->value.numel(), parameters_.flat().data_ptr<S>() + p->offset, weight, state_.average.data_ptr<S>() + p->offset,
             static_cast<P*>(p->product.data_ptr()));
}

std::optional<double> Optimizer::step_by_operations(const at::Tensor& gradient, double rate) {
  const c10::NoGradGuard no_grad;
  const double norm = at::linalg_vector_norm(gradient).item<double>();
  if (!std::isfinite(norm)) return std::nullopt;
  const auto scaled = gradient * std::min(1.0, options_.norm_max / (norm + 1e-6));
  const auto steps = static_cast<double>(++state_.step);
  const auto part = [](const at::Tensor& flat, const Parameter& p) { return flat.narrow(0, p.offset, p.value.numel()).view(p.value.sizes()); };
  for (const auto& group : groups_) {
    if (group[0]->muon && !options_.adamw_only) {
      std::vector<at::Tensor> updates;
      for (const auto* p : group) {
        const auto g = part(scaled, *p), momentum = part(state_.first, *p).lerp_(g, 1 - options_.momentum);
        updates.push_back(g.lerp(momentum, options_.momentum).to(parameters_.product_type()));
      }
      const auto turned_grc = newton_schulz(at::stack(updates));
      const auto to_adamw = rate * 0.2 * std::sqrt(static_cast<double>(std::max(turned_grc.size(1), turned_grc.size(2))));
      for (std::size_t i = 0; i < group.size(); ++i)
        part(parameters_.flat(), *group[i]).mul_(1 - rate * options_.weight_decay).sub_(turned_grc[static_cast<std::int64_t>(i)], to_adamw);
    } else {
      const auto g = part(scaled, *group[0]);
      if (group[0]->muon) part(parameters_.flat(), *group[0]).mul_(1 - rate * options_.weight_decay);
      const auto first = part(state_.first, *group[0]).lerp_(g, 1 - kBeta1);
      const auto second = part(state_.second, *group[0]).mul_(options_.beta2).addcmul_(g, g, 1 - options_.beta2);
      part(parameters_.flat(), *group[0]).addcdiv_(first, second.sqrt().div_(std::sqrt(1 - std::pow(options_.beta2, steps))).add_(kAdamEpsilon), -rate / (1 - std::pow(kBeta1, steps)));
    }
  }
  state_.average.lerp_(parameters_.flat(), 1 - std::min(ema_, (1 + steps) / (10 + steps)));
  parameters_.refresh_products();
  return norm;
}

std::optional<double> Optimizer::step(const at::Tensor& gradient, double rate, Workers& workers) {
  if (parameters_.operations()) return step_by_operations(gradient, rate);
  const auto* g = gradient.data_ptr<float>();
  const double norm = std::sqrt(kernels<float, float>().sum_squares(gradient.numel(), g));
  if (!std::isfinite(norm)) return std::nullopt;
  const double scale = std::min(1.0, options_.norm_max / (norm + 1e-6));
  ++state_.step;
  workers.run(groups_.size(), [&](std::size_t i) {
    const c10::NoGradGuard no_grad;
    if (parameters_.product_type() == at::kBFloat16) run(groups_[i], g, scale, rate, Bf16{});
    else run(groups_[i], g, scale, rate, float{});
  });
  return norm;
}

}  // namespace mendel::model
