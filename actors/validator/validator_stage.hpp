// The validator's stage: one work item in, its result out. The actor and the command line both call this.
#pragma once

#include <memory>

#include "proto/config.pb.h"
#include "proto/result.hpp"
#include "proto/work.pb.h"

namespace mendel::validator {

// Blocking; one instance a thread. Same item and configuration: the same result, byte for byte.
class ValidatorStage {
 public:
  // Part of the work id: raise it whenever the same input may give another result.
  static constexpr std::uint32_t kVersion = 3;

  // unavailable if a tool that the stage cannot do without is missing; the message names the remedy.
  static Result<std::unique_ptr<ValidatorStage>> start(const Config& config) { return start(config, config.sandbox().plant()); }
  // With `run_tests` code of the pairs is run in the sandbox too; unavailable if that does not hold here.
  static Result<std::unique_ptr<ValidatorStage>> start(const Config& config, bool run_tests);
  virtual ~ValidatorStage() = default;

  // Bad input is a Rejection in the result; an Error means that the attempt failed and may be retried.
  virtual Result<WorkResult> run(const WorkItem& item) = 0;
};

}  // namespace mendel::validator
