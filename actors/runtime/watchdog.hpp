// Notices that what must keep moving has stopped: a deadlock, a disk that never answers.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace mendel::runtime {

// A thread that calls `stuck` once if no beat came for about `limit`. It counts its own waking hours, not the
// clock: a process that was stopped as a whole and goes on is not stuck.
class Watchdog {
 public:
  Watchdog(std::chrono::milliseconds limit, std::function<void()> stuck);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  void beat() { beaten_ = true; }  // thread-safe
  // False once `stuck` was called; for a supervisor that wants to be told that all is well.
  bool alive() const { return !stuck_; }

  static constexpr int kLooks = 10;  // without a beat, one tenth of the limit apart

 private:
  void watch(std::chrono::milliseconds between, const std::function<void()>& stuck);

  std::atomic<bool> beaten_{true}, stuck_{false};
  std::mutex mutex_;
  std::condition_variable end_;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace mendel::runtime
