// Devices by name. A GPU is asked through LibTorch's own interfaces, so no header of its maker is needed.
#include "compute.hpp"

#include <ATen/ATen.h>
#include <ATen/Context.h>
#include <ATen/DeviceAccelerator.h>
#include <ATen/detail/CUDAHooksInterface.h>

#include "kernels.hpp"

namespace mendel::model {
namespace {

constexpr const char* kCpu = "cpu";
constexpr const char* kCpuOperations = "cpu-operations";
constexpr const char* kGpu = "cuda";

at::ScalarType cpu_products() { return has_bf16_products() ? at::kBFloat16 : at::kFloat; }

std::int64_t gpus() {
  try {
    return at::detail::getCUDAHooks().getNumGPUs();
  } catch (const c10::Error&) {
    return 0;  // a driver that is there and does not answer
  }
}

std::string gpu_fault(std::uint32_t index) {
  if (!at::detail::getCUDAHooks().hasCUDART())
    return "device is cuda, but this program was built with a LibTorch for the CPU alone; install the one for CUDA or ROCm (make deps TORCH=cuda or TORCH=rocm) and "
           "build again, or take cpu";
  const auto count = gpus();
  if (count == 0)
    return "device is cuda, but LibTorch finds no GPU; see whether nvidia-smi or rocm-smi lists one, whether this user may open /dev/nvidia0 or /dev/kfd, and what "
           "CUDA_VISIBLE_DEVICES or HIP_VISIBLE_DEVICES says, or take cpu";
  if (index >= static_cast<std::uint64_t>(count))
    return "GPU " + std::to_string(index) + " is asked for (LOCAL_RANK), but there are " + std::to_string(count) + "; start at most so many processes on a machine";
  return {};
}

}  // namespace

std::string Compute::text() const {
  return (device.is_cpu() ? operations ? kCpuOperations : kCpu : kGpu) + std::string(" ") + at::toString(products);
}

Compute cpu_compute() { return {at::kCPU, false, cpu_products()}; }

std::string device_fault(const std::string& name, std::uint32_t index) {
  if (name == kCpu || name == kCpuOperations || (name == kAnyDevice && gpus() == 0)) return {};
  if (name == kGpu || name == kAnyDevice) return gpu_fault(index);
  return "device is \"" + name + "\"; allowed are auto, cpu, cuda and cpu-operations";
}

Expected<Compute> find_compute(const std::string& name, std::uint32_t index) {
  if (const auto why = device_fault(name, index); !why.empty()) return Failure{Fault::invalid, why};
  if (name == kGpu || (name == kAnyDevice && gpus() > 0))
    return Compute{at::Device(at::kCUDA, static_cast<at::DeviceIndex>(index)), true, at::kBFloat16};
  auto out = cpu_compute();
  out.operations = name == kCpuOperations;
  return out;
}

void finish_work(at::Device device) {
  if (!device.is_cpu()) at::accelerator::synchronizeDevice(device.index());
}

void give_back_memory(at::Device device) {
  if (!device.is_cpu()) at::accelerator::emptyCache();
}

}  // namespace mendel::model
