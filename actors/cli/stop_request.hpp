// SIGTERM drains, SIGINT aborts.
#pragma once

#include <csignal>

#include "actors/cli/context.hpp"
#include "actors/runtime/node.hpp"

namespace mendel::cli {

inline runtime::StopRequest stop_request() {
  const int signal = stop_signal();
  return signal == 0 ? runtime::StopRequest::none : signal == SIGTERM ? runtime::StopRequest::drain : runtime::StopRequest::abort;
}

}  // namespace mendel::cli
