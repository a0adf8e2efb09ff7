// The stage that makes pairs of threads: code out of HTML, prompts off, question and answer aligned. The
// actor and the command line both call this.
#pragma once

#include <memory>

#include "proto/config.pb.h"
#include "proto/result.hpp"
#include "proto/work.pb.h"

namespace mendel::miner {

// One instance a thread. Same item and configuration: the same result, byte for byte.
class StackoverflowStage {
 public:
  // Part of the work id: raise it whenever the same input may give another result.
  static constexpr std::uint32_t kVersion = 4;

  static Result<std::unique_ptr<StackoverflowStage>> start(const Config& config);
  virtual ~StackoverflowStage() = default;

  // A chosen answer that gives no pair is a Rejection with its reason.
  virtual Result<WorkResult> run(const WorkItem& item) = 0;
};

}  // namespace mendel::miner
