// The queue under a virtual clock and a hostile world: messages are dropped, doubled, delayed, reordered;
// nodes are cut off, sleep, crash; the coordinator ends between any two of its effects, its disk fails. Every
// seed must end in the digest of the undisturbed run; a failing one is printed: `test_simulation --seed N`
// runs it again and tells what happened. And each mechanism, switched off, must be missed.
#include <doctest/doctest.h>

#include <cstdio>

#include "tests/runtime/simulated_plant.hpp"
#include "tests/runtime/simulation_options.hpp"

using namespace mendel;
using namespace mendel::runtime;
using namespace mendel::runtime::samples;

namespace {

constexpr Weather kStorm{.drop = 15, .twice = 10, .fail = 5, .delay_ms_max = 300, .node_crash = 3, .coordinator_crash = 2, .sleep = 3,
                         .partition = 3, .effect_crash = 3, .disk_error = 20};
// Nobody ends, only messages are lost; and the other way round.
constexpr Weather kLossy{.drop = 20, .delay_ms_max = 100};
constexpr Weather kCrashes{.delay_ms_max = 20, .coordinator_crash = 5, .effect_crash = 20, .disk_error = 20};

const Ending& calm() {
  static const Ending kCalm = SimulatedPlant(0, {}).run();
  return kCalm;
}

// What is wrong with the run; empty if nothing.
std::string wrong_with(const Ending& ending) {
  if (!ending.broken.empty()) return ending.broken.front();
  if (ending.digest != calm().digest) return "another digest";
  if (ending.pairs != calm().pairs) return "a source counts twice or not at all";
  return {};
}

// How many of the first 40 seeds show that something is wrong.
int broken_runs(const Mechanisms& mechanisms, const Weather& weather) {
  int broken = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) broken += !wrong_with(SimulatedPlant(seed, weather, mechanisms).run()).empty();
  return broken;
}

void tell(Moment now, std::string_view who, std::string_view what) {
  std::printf("%7lld ms  %-12.*s %.*s\n", static_cast<long long>(now.count()), static_cast<int>(who.size()), who.data(), static_cast<int>(what.size()), what.data());
}

}  // namespace

TEST_CASE("undisturbed the plant ends well") { CHECK(wrong_with(calm()) == ""); }

TEST_CASE("in any weather every seed gives the digest of the undisturbed run, and what was acked is never done again") {
  const auto& options = simulation_options();
  std::uint64_t crashes = 0, disk_errors = 0, partitions = 0;
  for (std::uint64_t seed = options.first_seed; seed < options.first_seed + options.seeds; ++seed) {
    const auto ending = SimulatedPlant(seed, kStorm, {}, options.replay ? tell : SimulatedPlant::Trace()).run();
    const auto wrong = wrong_with(ending);
    if (!wrong.empty()) FAIL_CHECK("seed ", seed, ": ", wrong, "; again with: test_simulation --seed ", seed);
    crashes += ending.crashes;
    disk_errors += ending.disk_errors;
    partitions += ending.partitions;
  }
  MESSAGE(options.seeds, " seeds from ", options.first_seed, ": ", crashes, " lives of the coordinator ended, ", disk_errors, " disk errors, ", partitions, " partitions");
  CHECK((options.replay || crashes > options.seeds));
}

TEST_CASE("the same seed gives the same run, step by step") {
  for (std::uint64_t seed : {3u, 4u}) CHECK(SimulatedPlant(seed, kStorm).run().history == SimulatedPlant(seed, kStorm).run().history);
  CHECK(SimulatedPlant(3, kStorm).run().history != SimulatedPlant(4, kStorm).run().history);
}

TEST_CASE("with every mechanism on, none of the runs of the cases below is broken") {
  CHECK(broken_runs({}, kLossy) == 0);
  CHECK(broken_runs({}, kCrashes) == 0);
}

TEST_CASE("without an end of leases a lost message stalls the plant for ever") { CHECK(broken_runs({.leases_end = false}, kLossy) > 0); }

TEST_CASE("without resending a node whose results were lost waits for ever") { CHECK(broken_runs({.resend = false}, kLossy) > 0); }

TEST_CASE("without keys that are hashes of content acked work is done again after a crash") {
  CHECK(broken_runs({.content_key = false}, kCrashes) > 0);
}

TEST_CASE("without one batch for data and done-mark a crash loses pairs") { CHECK(broken_runs({.one_batch = false}, kCrashes) > 0); }

TEST_CASE("without the sync a power cut loses what was acked") { CHECK(broken_runs({.synced = false}, kCrashes) > 0); }

TEST_CASE("with the ack before the write a crash loses what was acked") { CHECK(broken_runs({.ack_after = false}, kCrashes) > 0); }
