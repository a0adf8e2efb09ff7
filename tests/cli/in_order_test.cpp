// Spreading work over threads must not show in the output.
#include <doctest/doctest.h>

#include <atomic>

#include "actors/cli/context.hpp"

using namespace mendel::cli;

TEST_CASE("results come in order whatever the number of threads") {
  for (const std::uint32_t jobs : {1u, 2u, 7u}) {
    CAPTURE(jobs);
    std::vector<std::uint64_t> seen;
    in_order<std::uint64_t>(
        500, jobs, [](std::uint64_t i) { return i * i; },
        [&](std::uint64_t i, std::uint64_t value) {
          REQUIRE(value == i * i);
          seen.push_back(i);
        });
    REQUIRE(seen.size() == 500);
    for (std::uint64_t i = 0; i < 500; ++i) REQUIRE(seen[i] == i);
  }
}

TEST_CASE("work runs only a bounded distance ahead of what was handed out") {
  std::atomic<std::uint64_t> emitted{0}, farthest{0};
  in_order<int>(
      300, 2,
      [&](std::uint64_t i) {
        const auto ahead = i - std::min(i, emitted.load());
        auto known = farthest.load();
        while (ahead > known && !farthest.compare_exchange_weak(known, ahead)) {}
        return 0;
      },
      [&](std::uint64_t, int) { ++emitted; });
  CHECK(emitted == 300);
  CHECK(farthest <= 9);  // four a thread and the one in hand
}

TEST_CASE("no work is no work") {
  int calls = 0;
  in_order<int>(0, 4, [&](std::uint64_t) { return ++calls; }, [&](std::uint64_t, int) { ++calls; });
  CHECK(calls == 0);
}
