// A lock file that says who holds it: flock decides, the text (process id and command line) explains.
#pragma once

#include <filesystem>
#include <memory>

#include "proto/result.hpp"

namespace mendel::storage {

// Held until destruction or the end of the process, however it ends; not inherited by programs that
// the process starts.
class ProcessLock {
 public:
  // Creates `file` if need be. busy: "held by process 1234 (mendel up)".
  static Result<std::unique_ptr<ProcessLock>> take(const std::filesystem::path& file);
  ~ProcessLock();
  ProcessLock(const ProcessLock&) = delete;
  ProcessLock& operator=(const ProcessLock&) = delete;

 private:
  explicit ProcessLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace mendel::storage
