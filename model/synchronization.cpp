// Pairs of neurons and their decaying sums of products.
#include "synchronization.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include "loader.hpp"

namespace mendel::model {
namespace {

constexpr double kDecayMax = 15;
constexpr std::uint64_t kPairSeed = 0x43544d;
constexpr const char* kFirstLast = "first-last";
constexpr const char* kRandom = "random";
constexpr const char* kRandomPairing = "random-pairing";

bool all_pairs(const PairingShape& shape) { return shape.pairing != kRandomPairing; }

at::Tensor drawn(const PairingShape& shape, std::uint64_t stream) {
  std::vector<std::int64_t> out;
  for (std::int64_t i = 0; i < shape.count; ++i)
    out.push_back(static_cast<std::int64_t>(mix_hash(kPairSeed, stream + (shape.action ? 2 : 0), static_cast<std::uint64_t>(i)) %
                                            static_cast<std::uint64_t>(shape.neurons)));
  return at::tensor(out, at::kLong);
}

}  // namespace

bool known_pairing(const std::string& pairing) { return pairing == kFirstLast || pairing == kRandom || pairing == kRandomPairing; }

std::int64_t synchronization_width(const PairingShape& shape) { return all_pairs(shape) ? shape.count * (shape.count + 1) / 2 : shape.count; }

Pairs make_pairs(const PairingShape& shape) {
  if (shape.pairing == kFirstLast) {
    const auto n = at::arange(shape.count, at::kLong) + (shape.action ? shape.neurons - shape.count : 0);
    return make_pairs(shape, n, n);
  }
  const auto left_n = drawn(shape, 0), right_n = drawn(shape, 1);
  right_n.narrow(0, 0, shape.self).copy_(left_n.narrow(0, 0, shape.self));
  return make_pairs(shape, left_n, right_n);
}

Pairs make_pairs(const PairingShape& shape, const at::Tensor& left_n, const at::Tensor& right_n) {
  if (!all_pairs(shape)) return {left_n, right_n};
  // The outer product's upper triangle, row by row.
  const auto corner = at::triu_indices(shape.count, shape.count);
  return {left_n.index_select(0, corner[0]), right_n.index_select(0, corner[1])};
}

Synchronization::Synchronization(ParameterSet& parameters, const std::string& name, const PairingShape& shape)
    : parameters_(parameters), decay_(parameters.add(name, {synchronization_width(shape)}, {}, false)) {
  set_pairs(make_pairs(shape));
}

void Synchronization::set_pairs(const Pairs& pairs) { pairs_ = {pairs.left_s.to(parameters_.device()), pairs.right_s.to(parameters_.device())}; }

void Synchronization::constrain() {
  const c10::NoGradGuard no_grad;
  const auto& decay = parameters_[decay_];
  decay.value.detach().clamp_(0, kDecayMax);
  if (!decay.product.is_alias_of(decay.value)) decay.product.copy_(decay.value);
}

Synchronization::State Synchronization::begin() const { return {at::exp(-parameters_[decay_].value), {}, {}}; }

void Synchronization::seed(State& state, const at::Tensor& z_bd) const {
  const auto product_bs = z_bd.index_select(1, pairs_.left_s) * z_bd.index_select(1, pairs_.right_s);
  if (!state.alpha_bs.defined()) {
    state.alpha_bs = product_bs;
    state.beta_s = at::ones_like(state.r_s);
    return;
  }
  state.alpha_bs = state.r_s * state.alpha_bs + product_bs;
  state.beta_s = state.r_s * state.beta_s + 1;
}

at::Tensor Synchronization::add(State& state, const at::Tensor& z_bd) const {
  seed(state, z_bd);
  return state.alpha_bs / state.beta_s.sqrt();
}

}  // namespace mendel::model
