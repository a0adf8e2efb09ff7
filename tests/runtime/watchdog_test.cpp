// The watchdog: silent while there are beats, barks once when there are none.
#include "actors/runtime/watchdog.hpp"

#include <doctest/doctest.h>

#include <future>

using namespace mendel::runtime;
using namespace std::chrono_literals;

TEST_CASE("who stops moving is noticed, once") {
  std::promise<void> stuck;
  Watchdog watchdog(50ms, [&] { stuck.set_value(); });  // a second call would throw
  CHECK(watchdog.alive());
  CHECK(stuck.get_future().wait_for(20s) == std::future_status::ready);
  CHECK_FALSE(watchdog.alive());
}

TEST_CASE("who moves is left alone, however often it is looked at") {
  bool stuck = false;
  {
    Watchdog watchdog(200ms, [&] { stuck = true; });
    const auto until = std::chrono::steady_clock::now() + 500ms;
    while (std::chrono::steady_clock::now() < until) {
      watchdog.beat();
      std::this_thread::yield();
    }
    CHECK(watchdog.alive());
  }
  CHECK_FALSE(stuck);
}
