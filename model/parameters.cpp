// The flat vector of all parameters, its start values and its copy for the products.
#include "parameters.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <ATen/CPUGeneratorImpl.h>

#include <functional>
#include <numeric>

namespace mendel::model {
namespace {

at::Tensor draw(const Start& start, at::IntArrayRef shape, at::Generator generator) {
  switch (start.kind) {
    case Start::Kind::zero: return at::zeros(shape);
    case Start::Kind::constant: return at::full(shape, start.scale);
    case Start::Kind::normal: return at::randn(shape, generator) * start.scale;
    // Cut at 2 as PyTorch's own initialiser does: absolute, hence far out for small scales.
    case Start::Kind::truncated_normal: return (at::randn(shape, generator) * start.scale).clamp(-2, 2);
    case Start::Kind::uniform: return (at::rand(shape, generator) * 2 - 1) * start.scale;
  }
  return {};
}

}  // namespace

std::size_t ParameterSet::add(std::string name, std::vector<std::int64_t> shape, Start start, bool muon) {
  parameters_.push_back({std::move(name), {}, {}, muon, count_});
  count_ += std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>{});
  shapes_.push_back(std::move(shape));
  starts_.push_back(start);
  return parameters_.size() - 1;
}

void ParameterSet::finish(std::uint64_t seed) {
  const c10::NoGradGuard no_grad;
  const auto generator = at::detail::createCPUGenerator(seed);
  flat_ = at::zeros({count_}, at::TensorOptions(type_).device(device_));
  flat_product_ = product_type_ == type_ ? flat_ : at::zeros({count_}, flat_.options().dtype(product_type_));
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    auto& p = parameters_[i];
    const auto values = draw(starts_[i], shapes_[i], generator);
    p.value = flat_.narrow(0, p.offset, values.numel()).view(shapes_[i]).detach();
    p.value.copy_(values);
    p.product = flat_product_.narrow(0, p.offset, values.numel()).view(shapes_[i]);
    p.value.set_requires_grad(true);
  }
  refresh_products();
}

void ParameterSet::refresh_products() {
  if (product_type_ != type_) flat_product_.copy_(flat_);
}

}  // namespace mendel::model
