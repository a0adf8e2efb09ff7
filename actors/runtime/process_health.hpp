// Whether this process is well (its actors answer) and ready (it can do its work): for /healthz, /readyz
// and systemd's watchdog. What feeds it is the loop that asks the actors, so a deadlock shows.
#pragma once

#include <chrono>
#include <mutex>
#include <string>

namespace mendel::runtime {

// Thread-safe. Time is monotonic; tests pass their own.
class ProcessHealth {
 public:
  using Time = std::chrono::steady_clock::time_point;

  struct State {
    bool well = true;  // the actors answered within `stalled`
    bool ready = false;
    std::string text;  // one line for people: what it does, or why it is not ready
  };

  explicit ProcessHealth(std::chrono::milliseconds stalled, Time now = std::chrono::steady_clock::now()) : stalled_(stalled), answered_(now) {}

  // The actors answered at this moment.
  void beat(Time now = std::chrono::steady_clock::now()) {
    const std::lock_guard lock(mutex_);
    answered_ = now;
  }
  void set_ready(std::string text) { set(true, std::move(text)); }
  void set_unready(std::string why) { set(false, std::move(why)); }

  State look(Time now = std::chrono::steady_clock::now()) const {
    const std::lock_guard lock(mutex_);
    const bool well = now - answered_ < stalled_;
    return {well, well && ready_, text_};
  }

 private:
  void set(bool ready, std::string text) {
    const std::lock_guard lock(mutex_);
    ready_ = ready;
    text_ = std::move(text);
  }

  mutable std::mutex mutex_;
  const std::chrono::milliseconds stalled_;
  Time answered_;
  bool ready_ = false;
  std::string text_ = "starting";
};

}  // namespace mendel::runtime
