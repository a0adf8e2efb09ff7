// Where a model can compute, by name. Free of Torch.
#pragma once

#include <cstdint>
#include <string>

namespace mendel::model {

// auto: a GPU where LibTorch finds one, else the CPU. cpu: the CPU by the kernels of this folder. cuda: a GPU
// (LibTorch for ROCm calls AMD's so too). cpu-operations: the CPU by the code that other devices run, for tests.
inline constexpr const char* kAnyDevice = "auto";

// Nothing if this program can compute there on this machine, else why not and what to do. `index`: which GPU.
std::string device_fault(const std::string& name, std::uint32_t index = 0);

}  // namespace mendel::model
