// The wrapper where exceptions of Torch and of the allocator stop and become values.
#pragma once

#include <c10/util/Exception.h>

#include <exception>
#include <string_view>

#include "model/expected.hpp"
#include "model/memory.hpp"

namespace mendel::model {

// Calls `run`, which answers an Expected, and turns what it throws into a Failure.
template <class F>
auto guarded(F run) -> decltype(run()) {
  try {
    return run();
  } catch (const std::exception& error) {
    if (is_out_of_memory(std::current_exception())) return Failure{Fault::out_of_memory, "out of memory; lower cells_per_batch, or candidates"};
    const auto* torch = dynamic_cast<const c10::Error*>(&error);
    const std::string_view what = torch ? torch->what_without_backtrace() : error.what();
    return Failure{Fault::invalid, "the tensor library refused: " + std::string(what.substr(0, what.find('\n')))};
  }
}

}  // namespace mendel::model
