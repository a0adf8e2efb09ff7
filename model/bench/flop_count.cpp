// An observer of LibTorch's operations that looks at the shapes of products.
#include "flop_count.hpp"

#include <ATen/Context.h>
#include <ATen/core/Tensor.h>
#include <ATen/record_function.h>

#include <atomic>
#include <cstring>

namespace mendel::model {
namespace {

std::atomic<double> counted{0};

// Products and which of their arguments is the left factor; the right one follows.
constexpr std::pair<const char*, std::size_t> kProducts[] = {{"aten::mm", 0}, {"aten::bmm", 0}, {"aten::mv", 0}, {"aten::dot", 0},
                                                             {"aten::addmm", 1}, {"aten::baddbmm", 1}, {"aten::addmv", 1}};

std::unique_ptr<at::ObserverContext> look(const at::RecordFunction& function) {
  for (const auto& [name, left] : kProducts) {
    if (std::strcmp(function.name(), name) != 0) continue;
    const auto inputs = function.inputs();
    if (inputs.size() <= left + 1 || !inputs[left].isTensor() || !inputs[left + 1].isTensor()) return nullptr;
    // [.., n, k] x [.., k, m]: every number of the left one meets the m of the right one.
    const auto a = inputs[left].toTensor(), b = inputs[left + 1].toTensor();
    const double columns = b.dim() >= 2 ? static_cast<double>(b.size(-1)) : 1;
    counted = counted + 2 * static_cast<double>(a.numel()) * columns;
    return nullptr;
  }
  return nullptr;
}

}  // namespace

double count_flop(const std::function<void()>& work) {
  counted = 0;
  const auto handle = at::addGlobalCallback(at::RecordFunctionCallback(&look).needsInputs(true).scopes({at::RecordScope::FUNCTION}));
  try {
    work();
  } catch (...) {
    at::removeCallback(handle);
    throw;
  }
  at::removeCallback(handle);
  return counted;
}

void plain_attention(bool on) {
  auto& context = at::globalContext();
  context.setSDPUseMath(true);
  context.setSDPUseFlash(!on);
  context.setSDPUseMemEfficient(!on);
  context.setSDPUseCuDNN(!on);
}

}  // namespace mendel::model
