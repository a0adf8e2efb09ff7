// How much memory there is, and how much a piece of work takes: what the size of a micro-batch follows from.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>

namespace mendel::model {

// What this process may still take: the least of the machine's available memory, its control group's limit
// and its own (ulimit -v). UINT64_MAX where nothing can be read.
std::uint64_t free_memory_bytes();

// Calls `work` and answers the most bytes of tensors that were alive at once on this thread, beyond those
// alive before. Exceptions of `work` pass.
std::uint64_t peak_tensor_bytes(const std::function<void()>& work);

// True for what allocators throw when there is no memory left.
bool is_out_of_memory(const std::exception_ptr& error);

}  // namespace mendel::model
