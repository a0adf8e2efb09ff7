// How much memory there is, and how much a piece of work takes: what the size of a micro-batch follows from.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <span>

#include "model/compute.hpp"

namespace mendel::model {

// What this process may still take. Of the CPU: the least of the machine's available memory, its control group's
// limit and its own (ulimit -v). Of another device: what it has free, and what LibTorch keeps of it for later use.
// UINT64_MAX where nothing can be read.
std::uint64_t free_memory_bytes(at::Device device = at::kCPU);

// Calls `work` and answers the most bytes of the device's tensors that were alive at once, beyond those alive before,
// of this thread and of what autograd runs for it. Exceptions of `work` pass.
std::uint64_t peak_tensor_bytes(const std::function<void()>& work, at::Device device = at::kCPU);

// True for what allocators throw when there is no memory left.
bool is_out_of_memory(const std::exception_ptr& error);

// Calls work(all), and out of memory work(half) for both halves, and so on; what one element alone throws passes.
// `work` must leave nothing behind where it throws.
template <class T>
void in_parts_that_fit(std::span<T> all, at::Device device, const std::function<void(std::span<T>)>& work) {
  try {
    return work(all);
  } catch (...) {
    if (all.size() < 2 || !is_out_of_memory(std::current_exception())) throw;
  }
  give_back_memory(device);
  in_parts_that_fit(all.first(all.size() / 2), device, work);
  in_parts_that_fit(all.subspan(all.size() / 2), device, work);
}

}  // namespace mendel::model
