// What a node's workers did, for metrics, health and the service manager: one probe a process.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "proto/work.pb.h"

namespace mendel::runtime {

// Upper bounds of the histogram of seconds per item; one bucket more has no bound.
inline constexpr std::array<double, 12> kSecondsBounds = {0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 1000};

// Thread-safe. Counters since the start of the process.
class NodeProbe {
 public:
  struct Counts {
    std::uint64_t items_in = 0, items_out = 0, pairs = 0, bytes_in = 0, bytes_out = 0;
    std::map<std::string, std::uint64_t> failed;  // by kind: retried, permanent, broken_off
    std::map<std::string, std::uint64_t> rejections;  // by reason
    std::array<std::uint64_t, kSecondsBounds.size() + 1> seconds_within{};  // each bucket alone
    double seconds = 0;
  };

  void started(const WorkItem& item) {
    const std::lock_guard lock(mutex_);
    auto& counts = counts_[item.stage()];
    ++counts.items_in;
    counts.bytes_in += item.ByteSizeLong();
  }

  // `broken_off`: our own end came in between, nothing failed.
  void finished(const WorkResult& result, double seconds, bool broken_off) {
    const std::lock_guard lock(mutex_);
    auto& counts = counts_[result.stage()];
    if (result.error().empty()) ++counts.items_out;
    else ++counts.failed[broken_off ? "broken_off" : result.permanent() ? "permanent" : "retried"];
    counts.bytes_out += result.ByteSizeLong();
    counts.pairs += static_cast<std::uint64_t>(result.pairs_size());
    for (const auto& rejection : result.rejections()) count(counts.rejections, rejection.reason());
    counts.seconds += seconds;
    ++counts.seconds_within[static_cast<std::size_t>(std::lower_bound(kSecondsBounds.begin(), kSecondsBounds.end(), seconds) - kSecondsBounds.begin())];
  }

  std::map<Stage::Value, Counts> counts() const {
    const std::lock_guard lock(mutex_);
    return counts_;
  }

  // The node's actor is alive: it calls this with every tick.
  void tick() { ++ticks_; }
  std::uint64_t ticks() const { return ticks_; }
  // The coordinator let the node in.
  void join() { joined_ = true; }
  bool joined() const { return joined_; }

  static constexpr std::size_t kReasonsMax = 64;  // of one stage; later ones count as "other"

 private:
  static void count(std::map<std::string, std::uint64_t>& by, const std::string& reason) {
    ++by[by.size() < kReasonsMax || by.contains(reason) ? reason : "other"];
  }

  mutable std::mutex mutex_;
  std::map<Stage::Value, Counts> counts_;
  std::atomic<std::uint64_t> ticks_{0};
  std::atomic<bool> joined_{false};
};

}  // namespace mendel::runtime
