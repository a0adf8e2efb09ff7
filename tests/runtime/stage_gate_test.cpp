// Priorities, watermarks and rates: who may hand out what, and when.
#include "actors/runtime/stage_gate.hpp"

#include <doctest/doctest.h>

#include "tests/runtime/fake_store.hpp"
#include "tests/runtime/plant_fixture.hpp"

using namespace mendel;
using namespace mendel::runtime;
using namespace mendel::runtime::samples;
using namespace std::chrono_literals;

namespace {

constexpr Stage::Value kAll[] = {Stage::mine_git, Stage::mutate, Stage::lint, Stage::validate, Stage::encode};
constexpr Stage::Value kSourcesOnly[] = {Stage::mine_git, Stage::mutate, Stage::lint};

Config with_depths(std::uint32_t high, std::uint32_t low) {
  auto config = small_config();
  config.mutable_queue()->set_depth_high(high);
  config.mutable_queue()->set_depth_low(low);
  return config;
}

struct Life {
  FakeStore store;
  PlantCore plant;
  Moment now{0};

  explicit Life(Config config, int count = 12) : plant(std::move(config), Until::dataset, {"dataset", "runs"}, store) {
    REQUIRE(plant.recover());
    REQUIRE(plant.plan(sources(count)));
    REQUIRE(plant.planning_finished({}));
  }
  std::vector<WorkItem> lease(std::span<const Stage::Value> stages, std::uint32_t credit) { return plant.lease("worker", stages, credit, now); }
  void finish(const std::vector<WorkItem>& items) {
    for (const auto& item : items) plant.take("worker", work(item), now);
    REQUIRE(plant.flush(now));
  }
};

}  // namespace

TEST_CASE("later stages go first, and a higher priority goes before them") {
  const auto order = [](const Config& config) {
    const StageGate gate(config);
    return std::vector<Stage::Value>(gate.order().begin(), gate.order().end());
  };
  Config config;
  const auto usual = order(config);
  CHECK(usual.front() == Stage::train);
  CHECK(usual.back() == Stage::mine_git);
  config.mutable_queue()->set_priority_lint(60);
  config.mutable_queue()->set_priority_validate(10);
  const auto other = order(config);
  CHECK(other.front() == Stage::lint);
  CHECK(other.back() == Stage::validate);
}

TEST_CASE("a stage with too many waiting items pauses the stages that feed it until it is below the lower mark") {
  Life life(with_depths(4, 2));
  for (int n = 0; n < 4; ++n) life.finish(life.lease(kSourcesOnly, 1));
  REQUIRE(life.plant.counts(Stage::validate).pending >= 4);
  CHECK(life.lease(kSourcesOnly, 8).empty());
  CHECK(life.plant.gate().paused(Stage::mutate));
  while (life.plant.counts(Stage::validate).pending >= 2) {
    CHECK(life.lease(kSourcesOnly, 8).empty());  // between the marks it stays paused
    life.finish(life.lease(kAll, 1));
  }
  CHECK(life.lease(kSourcesOnly, 8).size() == 8);
  CHECK_FALSE(life.plant.gate().paused(Stage::mutate));
}

TEST_CASE("nothing is paused for proofs that this plan will not make") {
  auto config = with_depths(1, 1);
  FakeStore store;
  PlantCore plant(config, Until::collect, {"dataset", "runs"}, store);
  REQUIRE(plant.recover());
  REQUIRE(plant.plan(sources(5)));
  REQUIRE(plant.planning_finished({}));
  while (plant.phase() != Phase::done) {
    const auto items = plant.lease("worker", kAll, 1, Moment(0));
    REQUIRE(items.size() == 1);
    plant.take("worker", work(items[0]), Moment(0));
    REQUIRE(plant.flush(Moment(0)));
  }
}

TEST_CASE("a rate holds for the plant, whoever asks, and what waits does not pile up") {
  auto config = small_config();
  config.mutable_queue()->set_rate_mutate(2);
  Life life(config);
  life.now = 10s;
  CHECK(life.lease(kSourcesOnly, 8).size() == 2);
  CHECK(life.plant.lease("another", kSourcesOnly, 8, life.now).empty());
  life.now += 500ms;
  CHECK(life.lease(kSourcesOnly, 8).size() == 1);
  life.now += 60s;
  CHECK(life.lease(kSourcesOnly, 8).size() == 2);
}

TEST_CASE("a bucket gives back what was not used and never shortens a pause") {
  TokenBucket bucket(10);
  CHECK(bucket.take(10, 1s) == 10);
  bucket.give_back(4);
  CHECK(bucket.take(10, 1s) == 4);
  bucket.pause(5s);
  bucket.pause(3s);
  CHECK(bucket.take(1, 4999ms) == 0);
  CHECK(bucket.take(1, 5s) == 1);
}

TEST_CASE("a source that asks to wait pauses its stage and costs the item no attempt") {
  Life life(small_config(), 1);
  for (int again = 0; again < 10; ++again) {
    const auto items = life.lease(kSourcesOnly, 1);
    REQUIRE(items.size() == 1);
    CHECK(items[0].attempt() == 1);
    WorkResult result;
    result.set_item_id(items[0].id());
    result.set_stage(items[0].stage());
    result.set_error("429 Too Many Requests");
    result.set_retry_after_ms(60'000);
    CHECK(life.plant.take("worker", result, life.now) == PlantCore::Taken::failed);
    life.now += 59'999ms;
    CHECK(life.lease(kSourcesOnly, 1).empty());
    life.now += 1ms;
  }
  CHECK(life.plant.dead() == 0);
}

TEST_CASE("the delay before a retry doubles up to the limit, and the seed decides its jitter") {
  const auto delay_of = [](std::uint32_t seed, int failures) {
    auto config = small_config();
    config.set_seed(seed);
    config.mutable_runtime()->set_attempts_max(100);
    config.mutable_queue()->set_backoff_max_ms(1500);
    Life life(config, 1);
    Moment waited{0};
    for (int n = 0; n < failures; ++n) {
      const auto from = life.now;
      std::vector<WorkItem> items;
      while ((items = life.lease(kSourcesOnly, 1)).empty()) life.plant.tick(life.now += 1ms);
      waited = life.now - from;
      WorkResult result;
      result.set_item_id(items[0].id());
      result.set_stage(items[0].stage());
      result.set_error("no memory");
      life.plant.take("worker", result, life.now);
    }
    return waited;
  };
  CHECK(delay_of(7, 12) >= 750ms);
  CHECK(delay_of(7, 12) <= 1500ms);
  CHECK(delay_of(7, 12) == delay_of(7, 12));
  CHECK(delay_of(7, 12) != delay_of(8, 12));
}
