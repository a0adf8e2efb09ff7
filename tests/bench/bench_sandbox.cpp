// Runs a second of both ways of running, for bench_sandbox.py: bench_sandbox WAY RUNS AT_ONCE [GROUP], where WAY is one-shot
// or fork-server and GROUP the folder of a control group below which each run gets its own; and what differential execution proves: bench_sandbox witness PAIRS.jsonl AT_ONCE. JSON lines.
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "actors/sandbox/differential.hpp"
#include "proto/pair_json.hpp"

namespace {

using namespace mendel::sandbox;

double seconds_of(int at_once, const std::function<void()>& work) {
  const auto started = std::chrono::steady_clock::now();
  std::vector<std::thread> threads;
  for (int n = 0; n < at_once; ++n) threads.emplace_back(work);
  for (auto& thread : threads) thread.join();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
}

int small_tests(Runner& runner, const Limits& limits, int runs, int at_once) {
  std::atomic<int> next{runs - 1}, passed{0};
  const auto work = [&] {
    while (next++ < runs) {
      const auto result = runner.run({"script", "assert add(2, 3) == 5\n", "def add(a, b):\n    return a + b\n", limits});
      passed += result && result->ending == Ending::passed;
    }
  };
  work();  // warm: not counted
  next = passed = 0;
  const double seconds = seconds_of(at_once, work);
  std::printf("{\"seconds\": %.4f, \"runs\": %d, \"passed\": %d}\n", seconds, runs, passed.load());
  return 0;
}

// One line an operator: how many of its mutants got a witness, showed no difference, could not be run, were undecided.
int witnesses(Runner& runner, const Limits& limits, const char* file, int at_once) {
  std::vector<mendel::Pair> pairs;
  std::ifstream lines(file);
  for (std::string line; std::getline(lines, line);)
    if (auto pair = mendel::pair_from_json(line)) pairs.push_back(std::move(*pair));
  std::map<std::string, std::array<int, 4>> found;
  std::mutex mutex;
  std::atomic<std::size_t> next{0};
  std::atomic<std::uint64_t> runs{0};
  const double seconds = seconds_of(at_once, [&] {
    for (std::size_t i = next++; i < pairs.size(); i = next++) {
      const auto difference = differ(runner, {pairs[i].buggy(), pairs[i].fixed()}, {40, 7, limits});
      if (!difference) continue;
      runs += difference->runs;
      const std::lock_guard lock(mutex);
      ++found[pairs[i].bug().operator_().empty() ? pairs[i].bug().type() : pairs[i].bug().operator_()][static_cast<std::size_t>(difference->found)];
    }
  });
  for (const auto& [name, n] : found)
    std::printf("{\"operator\": \"%s\", \"witness\": %d, \"none\": %d, \"not_runnable\": %d, \"undecided\": %d}\n", name.c_str(), n[0], n[1], n[2], n[3]);
  std::printf("{\"pairs\": %zu, \"runs\": %llu, \"seconds\": %.2f}\n", pairs.size(), static_cast<unsigned long long>(runs.load()), seconds);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  auto settings = settings_from(mendel::Sandbox());
  if (!settings) return std::fprintf(stderr, "%s\n", settings.error().what.c_str()), 1;
  const std::string way = argv[1];
  if (argc > 4) settings->group = argv[4];
  std::unique_ptr<Runner> runner;
  if (way == "one-shot") {
    runner = one_shot(*settings);
  } else {
    auto server = fork_server(*settings);
    if (!server) return std::fprintf(stderr, "%s\n", server.error().what.c_str()), 1;
    runner = *std::move(server);
  }
  if (way == "witness") return witnesses(*runner, settings->limits, argv[2], std::atoi(argv[3]));
  return small_tests(*runner, settings->limits, std::atoi(argv[2]), std::atoi(argv[3]));
}
