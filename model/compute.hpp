// A device as the networks see it: where their tensors are, by which code they compute, in which type they
// multiply, and how much memory is left there.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

#include "model/devices.hpp"
#include "model/expected.hpp"

namespace mendel::model {

struct Compute {
  at::Device device = at::kCPU;
  bool operations = false;  // operations.hpp instead of the kernels; always where the device is no CPU
  at::ScalarType products = at::kFloat;  // of the matrix products; sums, norms, losses and the optimizer stay float

  // "cpu", "cpu-operations" or "cuda", and the products' type: what a run's numbers depend on.
  std::string text() const;
};

// The CPU by the kernels, with the products that this processor is fast in.
Compute cpu_compute();

// A device of devices.hpp. invalid: it is not to be had here, with the remedy.
Expected<Compute> find_compute(const std::string& name, std::uint32_t index = 0);

// Waits until the device has done all it was told; the CPU has.
void finish_work(at::Device device);

// Gives memory that LibTorch keeps for later use back to the device.
void give_back_memory(at::Device device);

}  // namespace mendel::model
