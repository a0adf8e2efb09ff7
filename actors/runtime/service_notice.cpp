// libsystemd does the talking; without NOTIFY_SOCKET its calls do nothing.
#include "actors/runtime/service_notice.hpp"

#include <systemd/sd-daemon.h>

#include <cstdint>
#include <utility>

namespace mendel::runtime {
namespace {

constexpr std::chrono::seconds kStatusEvery{1};
constexpr int kKeepEnvironment = 0;  // children are started with an environment of their own

void say(const std::string& message) { sd_notify(kKeepEnvironment, message.c_str()); }

}  // namespace

ServiceNotice::ServiceNotice() {
  std::uint64_t usec = 0;
  if (sd_watchdog_enabled(kKeepEnvironment, &usec) > 0) watchdog_ = std::chrono::microseconds(usec);
}

void ServiceNotice::tell(const ProcessHealth::State& health, ProcessHealth::Time now) {
  if ((up_ || health.ready) && !std::exchange(ready_, true)) say("READY=1");
  if (!stopping_ && health.text != status_ && now - told_ >= kStatusEvery) {
    told_ = now;
    status_ = health.text;
    say("STATUS=" + status_);
  }
  if (watchdog_.count() > 0 && health.well && now - fed_ >= watchdog_ / 3) {
    fed_ = now;
    say("WATCHDOG=1");
  }
}

void ServiceNotice::stopping(const std::string& status) {
  if (!std::exchange(stopping_, true)) say("STOPPING=1\nSTATUS=" + status);
}

}  // namespace mendel::runtime
