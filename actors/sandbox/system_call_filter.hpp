// The system calls that code of others may not make, as a BPF program (libseccomp).
#pragma once

#include <span>
#include <string>

#include "proto/result.hpp"

namespace mendel::sandbox {

// A call that is refused with EPERM whatever its arguments are. `number` is below 0 if this architecture has none.
struct RefusedCall {
  const char* name;
  int number;
};
std::span<const RefusedCall> refused_calls();

// Native byte code for PR_SET_SECCOMP and `bwrap --seccomp`. Refused with an errno: new namespaces, mounts,
// tracing and memory of other processes, every socket but a pair, shared memory that no limit counts, keys,
// kernel modules, BPF, io_uring, faked terminal input. A foreign architecture kills the process. unavailable
// if libseccomp cannot build it.
Result<std::string> system_call_filter();

}  // namespace mendel::sandbox
