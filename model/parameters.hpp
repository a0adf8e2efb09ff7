// The trainable numbers of a network: one flat vector that every named parameter is a view of, so that
// averaging, clipping, saving and AdamW are single passes; and their copy in the type of the products.
#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

namespace mendel::model {

struct Parameter {
  std::string name;
  at::Tensor value;  // a leaf that requires its gradient; a view of the flat vector
  at::Tensor product;  // the same numbers in the type of the matrix products
  bool muon = false;  // a matrix that Muon updates; the others belong to AdamW
  std::int64_t offset = 0;  // in the flat vector
};

// How a parameter starts.
struct Start {
  enum class Kind { zero, truncated_normal, normal, uniform, constant } kind = Kind::zero;
  double scale = 0;  // standard deviation; half width of the uniform range; the constant
};

// Filled once by the layers, then `finish`ed. Addresses of the parameters are stable after that.
class ParameterSet {
 public:
  // Type of the numbers (float, or double for checks against references) and of the products, and where they are.
  ParameterSet(at::ScalarType type, at::ScalarType product_type, at::Device device = at::kCPU)
      : type_(type), product_type_(product_type), device_(device) {}

  // Answers the parameter's index.
  std::size_t add(std::string name, std::vector<std::int64_t> shape, Start start, bool muon);
  // Allocates and draws the start values; the same seed gives the same numbers.
  void finish(std::uint64_t seed);
  // To be called after the values changed.
  void refresh_products();

  const Parameter& operator[](std::size_t index) const { return parameters_[index]; }
  const std::vector<Parameter>& all() const { return parameters_; }
  const std::vector<std::int64_t>& shape(std::size_t index) const { return shapes_[index]; }  // known before finish
  const at::Tensor& flat() const { return flat_; }  // [count], no gradient
  std::int64_t count() const { return count_; }
  at::ScalarType type() const { return type_; }
  at::ScalarType product_type() const { return product_type_; }
  at::Device device() const { return device_; }
  // Layers and optimizer by LibTorch's operations (operations.hpp): always where the device is no CPU, there if asked for.
  void use_operations(bool on) { operations_ = on; }
  bool operations() const { return operations_ || !device_.is_cpu(); }

 private:
  at::ScalarType type_, product_type_;
  at::Device device_;
  bool operations_ = false;
  std::vector<Parameter> parameters_;
  std::vector<std::vector<std::int64_t>> shapes_;
  std::vector<Start> starts_;
  std::int64_t count_ = 0;
  at::Tensor flat_, flat_product_;
};

}  // namespace mendel::model
