// Looks ten times per limit.
#include "actors/runtime/watchdog.hpp"

#include <algorithm>

namespace mendel::runtime {

Watchdog::Watchdog(std::chrono::milliseconds limit, std::function<void()> stuck)
    : thread_([this, between = std::max(limit / kLooks, std::chrono::milliseconds(1)), stuck = std::move(stuck)] { watch(between, stuck); }) {}

Watchdog::~Watchdog() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  end_.notify_one();
  thread_.join();
}

void Watchdog::watch(std::chrono::milliseconds between, const std::function<void()>& stuck) {
  std::unique_lock lock(mutex_);
  for (int silent = 0; !end_.wait_for(lock, between, [this] { return ending_; });) {
    silent = beaten_.exchange(false) ? 0 : silent + 1;
    if (silent < kLooks) continue;
    stuck_ = true;
    lock.unlock();
    stuck();
    return;
  }
}

}  // namespace mendel::runtime
