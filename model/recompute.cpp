// A node of autograd whose backward pass runs its forward pass first.
#include "recompute.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/functions/utils.h>
#include <torch/csrc/autograd/variable.h>

namespace mendel::model {
namespace {

using torch::autograd::Node;
using torch::autograd::variable_list;

struct Recompute : Node {
  std::function<Tensors(const Tensors&)> part;
  Tensors inputs;  // cut off from their graph
  Tensors leaves;  // parameters

  variable_list apply(variable_list&& grads) override {
    const c10::AutoGradMode with_gradient(true);
    Tensors own, wanted;
    for (const auto& x : inputs) {
      own.push_back(x.detach());
      if (at::isFloatingType(x.scalar_type())) wanted.push_back(own.back().set_requires_grad(true));
    }
    const auto floating = wanted.size();
    wanted.insert(wanted.end(), leaves.begin(), leaves.end());
    const auto outputs = part(own);
    Tensors roots, seeds;
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      if (!grads[i].defined() || !outputs[i].requires_grad()) continue;
      roots.push_back(outputs[i]);
      seeds.push_back(grads[i]);
    }
    if (roots.empty()) return variable_list(inputs.size() + leaves.size());
    const auto found = torch::autograd::grad(roots, wanted, seeds, std::nullopt, false, true);
    variable_list out;
    std::size_t next = 0;
    for (const auto& x : inputs) out.push_back(at::isFloatingType(x.scalar_type()) ? found[next++] : at::Tensor());
    out.insert(out.end(), found.begin() + static_cast<std::ptrdiff_t>(floating), found.end());
    return out;
  }
};

}  // namespace

Tensors recomputed(const std::function<Tensors(const Tensors&)>& part, const Tensors& inputs, const ParameterSet& parameters) {
  Tensors all = inputs;
  for (const auto& p : parameters.all()) all.push_back(p.value);
  if (!c10::GradMode::is_enabled() || !torch::autograd::any_variable_requires_grad(all)) return part(inputs);
  auto node = c10::make_intrusive<Recompute>();
  node->part = part;
  for (const auto& x : inputs) node->inputs.push_back(x.detach());
  node->leaves.assign(all.begin() + static_cast<std::ptrdiff_t>(inputs.size()), all.end());
  node->set_next_edges(torch::autograd::collect_next_edges(all));
  Tensors outputs;
  {
    const c10::NoGradGuard no_grad;
    // An alias each: an output that is an input or part of one must not get a history of its own there.
    for (const auto& y : part(node->inputs)) outputs.push_back(y.detach());
  }
  for (auto& y : outputs) torch::autograd::set_history(y, node);
  return outputs;
}

}  // namespace mendel::model
