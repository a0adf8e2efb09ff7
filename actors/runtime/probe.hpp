// What a node's workers did, for the metrics: one probe a process.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <mutex>

#include "proto/work.pb.h"

namespace mendel::runtime {

// Thread-safe. Counters since the start of the process.
class NodeProbe {
 public:
  struct Counts {
    std::uint64_t items_in = 0, items_out = 0, failed = 0, pairs = 0, rejections = 0;
    double seconds = 0;
  };

  void started(Stage::Value stage) {
    const std::lock_guard lock(mutex_);
    ++counts_[stage].items_in;
  }
  void finished(const WorkResult& result, double seconds) {
    const std::lock_guard lock(mutex_);
    auto& counts = counts_[result.stage()];
    ++(result.error().empty() ? counts.items_out : counts.failed);
    counts.pairs += static_cast<std::uint64_t>(result.pairs_size());
    counts.rejections += static_cast<std::uint64_t>(result.rejections_size());
    counts.seconds += seconds;
  }
  std::map<Stage::Value, Counts> counts() const {
    const std::lock_guard lock(mutex_);
    return counts_;
  }

 private:
  mutable std::mutex mutex_;
  std::map<Stage::Value, Counts> counts_;
};

}  // namespace mendel::runtime
