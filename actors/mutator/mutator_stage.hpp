// The mutator's stage: one work item in, its result out. The actor and the command line both call this.
#pragma once

#include <memory>
#include <vector>

#include "actors/mutator/class_mix.hpp"
#include "proto/config.pb.h"
#include "proto/result.hpp"
#include "proto/work.pb.h"

namespace mendel::mutator {

// Blocking; one instance a thread. Same item and configuration: the same result, byte for byte.
class MutatorStage {
 public:
  // Part of the work id: raise it whenever the same input may give another result.
  static constexpr std::uint32_t kVersion = 3;

  // invalid_input names a wrong operator or weight of the configuration and the nearest right one.
  static Result<std::unique_ptr<MutatorStage>> start(const Config& config);
  virtual ~MutatorStage() = default;

  // Bad input is a Rejection in the result; an Error means that the attempt failed and may be retried.
  virtual Result<WorkResult> run(const WorkItem& item) = 0;

  // What the functions of a file have places for, one entry a function that would be mutated; empty for a
  // file that would be rejected. For ClassMix.
  virtual std::vector<GroupPlaces> places(const SourceFile& file) = 0;
};

// Does the configuration ask for a mix of classes, so that items should carry class_weights?
bool wants_class_mix(const Config& config);

// The weights that meet the configuration's shares on the material measured into `mix`.
GroupWeights class_weights(const Config& config, const ClassMix& mix);

}  // namespace mendel::mutator
