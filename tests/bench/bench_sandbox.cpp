// Runs a second of both ways of running, for bench_sandbox.py: bench_sandbox WAY RUNS AT_ONCE [PACKAGES].
// Prints one JSON object: wall seconds, and how many of the runs passed.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include "actors/sandbox/probe.hpp"
#include "actors/sandbox/runner.hpp"

int main(int argc, char** argv) {
  using namespace mendel::sandbox;
  if (argc < 4) return 2;
  const auto settings = settings_from(mendel::Sandbox());
  if (!settings) return std::fprintf(stderr, "%s\n", settings.error().what.c_str()), 1;
  std::unique_ptr<Runner> runner;
  if (std::strcmp(argv[1], "one-shot") == 0) {
    runner = one_shot(*settings);
  } else {
    auto server = fork_server(*settings);
    if (!server) return std::fprintf(stderr, "%s\n", server.error().what.c_str()), 1;
    runner = *std::move(server);
  }
  const int runs = std::atoi(argv[2]), at_once = std::atoi(argv[3]);
  std::atomic<int> next{0}, passed{0};
  const auto work = [&] {
    while (next++ < runs) {
      const auto result = runner->run({"script", "assert add(2, 3) == 5\n", "def add(a, b):\n    return a + b\n", settings->limits});
      passed += result && result->ending == Ending::passed;
    }
  };
  work();  // warm: not counted
  next = passed = 0;
  const auto started = std::chrono::steady_clock::now();
  std::vector<std::thread> threads;
  for (int n = 0; n < at_once; ++n) threads.emplace_back(work);
  for (auto& thread : threads) thread.join();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - started;
  std::printf("{\"seconds\": %.4f, \"runs\": %d, \"passed\": %d}\n", took.count(), runs, passed.load());
  return 0;
}
