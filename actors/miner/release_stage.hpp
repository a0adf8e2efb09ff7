// Two consecutive releases of a package in, pairs of the functions that a patch release changed out. The actor and
// `mendel mine release` both call this.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "actors/miner/mining_funnel.hpp"
#include "proto/config.pb.h"
#include "proto/result.hpp"
#include "proto/work.pb.h"

namespace mendel::miner {

// One item a patch step of `package` (release_index.hpp), oldest first. Blocks on the index.
Result<std::vector<MineRelease>> plan_releases(const std::string& package, const Config& config);

std::span<const FunnelStep> release_funnel();

// Blocking; one instance a thread. Same archives and configuration: the same result, byte for byte.
class ReleaseStage {
 public:
  // Part of the work id: raise it whenever the same input may give another result.
  static constexpr std::uint32_t kVersion = 3;

  static Result<std::unique_ptr<ReleaseStage>> start(const Config& config);
  virtual ~ReleaseStage() = default;

  // Bad archives are a Rejection in the result; an Error (the index does not answer) may be retried.
  virtual Result<WorkResult> run(const WorkItem& item) = 0;
};

}  // namespace mendel::miner
