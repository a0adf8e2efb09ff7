// The encoder's stage: a batch of accepted pairs in, dataset rows out (cluster, quality, difficulty
// and level are filled in by the reduce). The actor and the command line both call this.
#pragma once

#include <memory>

#include "actors/encoder/tokenizer.hpp"
#include "proto/config.pb.h"
#include "proto/result.hpp"
#include "proto/work.pb.h"

namespace mendel::encoder {

// Blocking; thread-safe (the tokenizer is immutable).
class EncoderStage {
 public:
  static constexpr std::uint32_t kVersion = 1;

  static Result<std::unique_ptr<EncoderStage>> start(const Config& config, std::shared_ptr<const Tokenizer> tokenizer);
  virtual ~EncoderStage() = default;

  // Pairs that do not fit become a Rejection with the reason; an Error means that the attempt failed.
  virtual Result<WorkResult> run(const WorkItem& item) = 0;
};

}  // namespace mendel::encoder
