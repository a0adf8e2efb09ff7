// What this process tells the service manager that started it (systemd, Type=notify): READY, STATUS with
// the depth of its queues, WATCHDOG while its actors answer, STOPPING. Silent if nobody asked.
#pragma once

#include <chrono>
#include <string>

#include "actors/runtime/process_health.hpp"

namespace mendel::runtime {

// One thread at a time.
class ServiceNotice {
 public:
  // Reads NOTIFY_SOCKET and WATCHDOG_USEC of the environment.
  ServiceNotice();

  // Call often: says what changed in `health` (READY once when it is first ready or `started`), at most one
  // STATUS a second, and feeds the watchdog at a third of its time as long as the process is well.
  void tell(const ProcessHealth::State& health, ProcessHealth::Time now = std::chrono::steady_clock::now());
  // The process is up and serves, ready or not: READY does not wait for others.
  void started() { up_ = true; }
  void stopping(const std::string& status);

 private:
  std::chrono::microseconds watchdog_{0};  // 0: none
  ProcessHealth::Time fed_{}, told_{};
  std::string status_;
  bool up_ = false, ready_ = false, stopping_ = false;
};

}  // namespace mendel::runtime
