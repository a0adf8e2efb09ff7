// The training node that `mendel up` starts: kept running, restarted with backoff, ended with us.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "actors/runtime/lease_table.hpp"
#include "proto/result.hpp"

namespace mendel::runtime {

// Not thread-safe: start and poll on one thread that lives as long as the child may (the kernel ends the
// child when that thread ends).
class TrainerChild {
 public:
  explicit TrainerChild(std::vector<std::string> command) : command_(std::move(command)) {}
  ~TrainerChild() { stop(Moment(0)); }
  TrainerChild(const TrainerChild&) = delete;
  TrainerChild& operator=(const TrainerChild&) = delete;

  // Starts the child if it should run. Answers a sentence if it ended by itself since the last call.
  // unavailable once it has ended kFailuresMax times in a row within kShortLife.
  Result<std::string> poll(Moment now);
  // SIGTERM, and SIGKILL if it is still there after `patience`.
  void stop(Moment patience);

  static constexpr int kFailuresMax = 5;
  static constexpr Moment kShortLife{20'000};

 private:
  Outcome start(Moment now);

  std::vector<std::string> command_;
  pid_t child_ = 0;
  int failures_ = 0;
  Moment started_at_{0}, again_at_{0};
};

}  // namespace mendel::runtime
