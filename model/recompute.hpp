// Gradient checkpointing: a part of the forward pass that keeps its inputs only and runs again when its
// gradient is wanted. Costs one more forward pass of the part, saves all that lies inside it.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <vector>

#include "model/parameters.hpp"

namespace mendel::model {

using Tensors = std::vector<at::Tensor>;

// Answers part(inputs), with the same values and gradients. `part` must depend on nothing but its inputs and
// `parameters`, answer the same every time, and it and what it refers to must outlive the graph. Where no
// gradient is kept it simply runs.
Tensors recomputed(const std::function<Tensors(const Tensors&)>& part, const Tensors& inputs, const ParameterSet& parameters);

}  // namespace mendel::model
