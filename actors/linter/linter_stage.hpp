// The linter's stage: one work item in, its result out. The actor and the command line both call this.
#pragma once

#include <memory>

#include "proto/config.pb.h"
#include "proto/result.hpp"
#include "proto/work.pb.h"

namespace mendel::linter {

// Blocking; one instance a thread. Same item and configuration: the same result, byte for byte.
class LinterStage {
 public:
  // Part of the work id: raise it whenever the same input may give another result.
  static constexpr std::uint32_t kVersion = 2;

  // unavailable if a tool that the stage cannot do without is missing; the message names the remedy.
  static Result<std::unique_ptr<LinterStage>> start(const Config& config);
  virtual ~LinterStage() = default;

  // Bad input is a Rejection in the result; an Error means that the attempt failed and may be retried.
  virtual Result<WorkResult> run(const WorkItem& item) = 0;
};

}  // namespace mendel::linter
