// The wrapper where exceptions of Torch and of the allocator stop and become values.
#pragma once

#include <c10/util/Exception.h>

#include <new>
#include <string_view>

#include "model/expected.hpp"

namespace mendel::model {

// Calls `run`, which answers an Expected, and turns what it throws into a Failure.
template <class F>
auto guarded(F run) -> decltype(run()) {
  try {
    return run();
  } catch (const std::bad_alloc&) {
    return Failure{Fault::out_of_memory, "out of memory; lower cells_per_batch, or candidates"};
  } catch (const c10::Error& error) {
    const std::string_view what = error.what_without_backtrace();
    if (what.find("allocate memory") != std::string_view::npos)
      return Failure{Fault::out_of_memory, "out of memory; lower cells_per_batch, or candidates"};
    return Failure{Fault::invalid, "the tensor library refused: " + std::string(what.substr(0, what.find('\n')))};
  }
}

}  // namespace mendel::model
