// The plan: phases, retries, dead letters, resuming.
#include "actors/runtime/plant_core.hpp"

#include <doctest/doctest.h>

#include "tests/runtime/fake_store.hpp"
#include "tests/runtime/plant_fixture.hpp"

using namespace mendel;
using namespace mendel::runtime;
using namespace mendel::runtime::samples;
using namespace std::chrono_literals;

namespace {

constexpr Stage::Value kAll[] = {Stage::mine_git, Stage::mine_release, Stage::mutate, Stage::lint, Stage::validate, Stage::encode};

struct Life {
  storage::PlantStore& store;
  PlantCore plant;

  // A plant that has just been started on `store`.
  explicit Life(storage::PlantStore& given, Until until = Until::dataset, Config config = small_config())
      : store(given), plant(std::move(config), until, {"dataset", "runs"}, store) {
    REQUIRE(plant.recover());
  }

  void start(int count) {
    REQUIRE(plant.plan(sources(count)));
    REQUIRE(plant.planning_finished({}));
  }

  // Works without trouble until nothing is left to do; at most `steps` items.
  int run(int steps = 100'000) {
    int taken = 0;
    for (;;) {
      auto items = plant.lease("worker", kAll, 1, now);
      if (items.empty() && !run_job(plant, store)) return taken;
      for (const auto& item : items) {
        if (taken == steps) return taken;
        plant.take("worker", work(item), now);
        ++taken;
      }
      REQUIRE(plant.flush(now));
    }
  }

  Moment now{0};
};

WorkResult failure(const WorkItem& item, bool permanent = false) {
  WorkResult result;
  result.set_item_id(item.id());
  result.set_stage(item.stage());
  result.set_error("ruff: out of memory");
  result.set_stderr_tail("last words");
  result.set_permanent(permanent);
  return result;
}

std::vector<storage::DeadLetter> dead_of(const storage::PlantStore& store) {
  std::vector<storage::DeadLetter> out;
  REQUIRE(store.each_dead([&](const auto& letter) {
    out.push_back(letter);
    return true;
  }));
  return out;
}

// Virtual time until the one item of the plan can be leased again; 10 s if never.
Moment wait_until_ready(Life& life) {
  const auto from = life.now;
  while (life.now - from < 10s) {
    life.now += 1ms;
    life.plant.tick(life.now);
    if (life.plant.lease("probe", kAll, 1, life.now).empty()) continue;
    life.plant.release("probe");
    break;
  }
  return life.now - from;
}

}  // namespace

TEST_CASE("a plan runs through all its phases to the dataset") {
  FakeStore store;
  Life life(store);
  life.start(7);
  CHECK(life.plant.phase() == Phase::collect);
  life.run();
  CHECK(life.plant.phase() == Phase::done);
  CHECK(life.plant.digest().size() == 32);
  CHECK(life.plant.counts(Stage::mutate).done == 7);
  CHECK(life.plant.funnel().at("mutate.pairs") == 13);
  CHECK(life.plant.dead() == 0);
}

TEST_CASE("a plan stops where it was told to") {
  for (const auto until : {Until::collect, Until::validate}) {
    FakeStore store;
    Life life(store, until);
    life.start(5);
    life.run();
    CHECK(life.plant.phase() == Phase::done);
    CHECK(life.plant.digest().empty());
    CHECK((life.plant.counts(Stage::validate).done > 0) == (until == Until::validate));
  }
}

TEST_CASE("a second run finds everything done and gives the same digest") {
  FakeStore store;
  std::string first;
  {
    Life life(store);
    life.start(7);
    life.run();
    first = life.plant.digest();
  }
  Life again(store);
  again.start(7);
  CHECK(again.run() == 0);
  CHECK(again.plant.digest() == first);
  CHECK(again.plant.funnel().at("mutate.pairs") == 13);
}

TEST_CASE("a plan that ended anywhere goes on and gives the digest of the undisturbed run") {
  FakeStore undisturbed;
  Life whole(undisturbed);
  whole.start(9);
  const int steps = whole.run();
  for (int stop = 0; stop < steps; ++stop) {
    CAPTURE(stop);
    FakeStore store;
    {
      Life life(store);
      life.start(9);
      life.run(stop);
    }
    Life again(store);
    again.start(9);
    CHECK(again.run() <= steps - stop);
    CHECK(again.plant.digest() == whole.plant.digest());
  }
}

TEST_CASE("over the real store a plan that was stopped half way goes on to the same digest") {
  FakeStore undisturbed;
  Life whole(undisturbed);
  whole.start(5);
  const int steps = whole.run();
  Folder folder;
  {
    const auto store = storage::samples::open_store(folder.path / "store");
    Life life(*store);
    life.start(5);
    life.run(steps / 2);
  }
  const auto store = storage::samples::open_store(folder.path / "store");
  Life again(*store);
  again.start(5);
  again.run();
  CHECK(again.plant.digest() == whole.plant.digest());
}

TEST_CASE("a disk that is full stops the plant with nothing lost") {
  FakeStore store, undisturbed;
  Life whole(undisturbed);
  whole.start(3);
  whole.run();
  {
    Life life(store);
    life.start(3);
    const auto items = life.plant.lease("worker", kAll, 1, life.now);
    life.plant.take("worker", work(items[0]), life.now);
    store.full = true;
    CHECK(life.plant.flush(life.now).error().code == ErrorCode::io_error);
  }
  store.full = false;
  Life again(store);
  again.start(3);
  again.run();
  CHECK(again.plant.digest() == whole.plant.digest());
}

TEST_CASE("pairs of an earlier plan in the same store stay out of the next one") {
  FakeStore shared, fresh;
  {
    Life earlier(shared);
    earlier.start(9);
    earlier.run();
  }
  Life later(shared), alone(fresh);
  later.start(4);
  alone.start(4);
  later.run();
  alone.run();
  CHECK(later.plant.digest() == alone.plant.digest());
}

TEST_CASE("proofs by other settings are not taken for ours, and going back judges again") {
  FakeStore store;
  auto strict = small_config();
  strict.mutable_validate()->set_quality_min(0.9);
  for (const auto& config : {small_config(), strict, small_config()}) {
    Life life(store, Until::validate, config);
    life.start(4);
    CHECK(life.run() > 0);
    Life again(store, Until::validate, config);
    again.start(4);
    CHECK(again.run() == 0);
  }
}

TEST_CASE("tests of pairs travel only to those who run them, and no more than a message holds") {
  struct Row {
    bool run;
    std::size_t bytes;
    std::vector<std::size_t> arrive;  // sizes of the code; nothing: the pair comes without tests
  };
  for (const auto& row : {Row{true, 100, {100, 100, 100}}, Row{false, 100, {0, 0, 0}}, Row{true, 20u << 20, {20u << 20, 20u << 20}}}) {
    FakeStore store;
    auto config = small_config();
    config.mutable_sandbox()->set_plant(row.run);
    Life life(store, Until::dataset, config);
    life.start(3);  // the last of them gives three pairs
    std::vector<WorkItem> items;
    for (;;) {
      items = life.plant.lease("worker", kAll, 1, life.now);
      REQUIRE(items.size() == 1);
      if (items[0].has_validate()) break;
      auto result = work(items[0]);
      if (result.pairs_size() < 3) result.clear_pairs();
      for (auto& pair : *result.mutable_pairs()) {
        pair.add_tests()->set_code(std::string(row.bytes, 'x'));
        set_pair_id(pair);
      }
      life.plant.take("worker", result, life.now);
      REQUIRE(life.plant.flush(life.now));
    }
    std::vector<std::size_t> arrived;
    REQUIRE(items[0].validate().pairs_size() == 3);
    for (const auto& pair : items[0].validate().pairs())
      for (const auto& test : pair.tests()) arrived.push_back(test.code().size());
    CHECK(arrived == row.arrive);
  }
}

TEST_CASE("a failed attempt is tried again after a delay that doubles, and at last goes to the dead letters") {
  FakeStore store;
  Life life(store);
  life.start(1);
  for (std::uint32_t attempt = 1; attempt <= 3; ++attempt) {
    const auto items = life.plant.lease("worker", kAll, 1, life.now);
    REQUIRE(items.size() == 1);
    CHECK(items[0].attempt() == attempt);
    CHECK(life.plant.take("worker", failure(items[0]), life.now) == PlantCore::Taken::failed);
    REQUIRE(life.plant.flush(life.now));
    const auto waited = wait_until_ready(life);
    if (attempt == 3) break;
    CHECK(waited >= 50ms * attempt);
    CHECK(waited <= 100ms * attempt);
  }
  const auto dead = dead_of(life.store);
  REQUIRE(dead.size() == 1);
  CHECK(dead[0].error == "ruff: out of memory");
  CHECK(dead[0].stderr_tail == "last words");
  CHECK(dead[0].attempts == 3);
  CHECK(life.plant.dead() == 1);
}

TEST_CASE("a permanent failure is not tried again") {
  FakeStore store;
  Life life(store);
  life.start(1);
  const auto items = life.plant.lease("worker", kAll, 1, life.now);
  CHECK(life.plant.take("worker", failure(items[0], true), life.now) == PlantCore::Taken::failed);
  REQUIRE(life.plant.flush(life.now));
  CHECK(dead_of(life.store).size() == 1);
}

TEST_CASE("an item that kills its workers goes to the dead letters") {
  FakeStore store;
  Life life(store);
  life.start(1);
  for (const char* worker : {"first", "second"}) {
    life.now += 1s;
    life.plant.tick(life.now);
    REQUIRE(life.plant.lease(worker, kAll, 1, life.now).size() == 1);
    life.plant.lose(worker, life.now);
  }
  REQUIRE(life.plant.flush(life.now));
  const auto dead = dead_of(life.store);
  REQUIRE(dead.size() == 1);
  CHECK(dead[0].workers_lost == 2);
}

TEST_CASE("the same worker that dies twice counts once") {
  FakeStore store;
  Life life(store);
  life.start(1);
  for (int i = 0; i < 2; ++i) {
    life.now += 1s;
    life.plant.tick(life.now);
    REQUIRE(life.plant.lease("same", kAll, 1, life.now).size() == 1);
    life.plant.lose("same", life.now);
  }
  CHECK(life.plant.dead() == 0);
}

TEST_CASE("dead letters are remembered over a restart and become work again when asked for") {
  FakeStore store;
  {
    Life life(store);
    life.start(3);
    const auto items = life.plant.lease("worker", kAll, 1, life.now);
    life.plant.take("worker", failure(items[0], true), life.now);
    REQUIRE(life.plant.flush(life.now));
    life.run();
    CHECK(life.plant.phase() == Phase::done);
  }
  Life again(store);
  again.start(3);
  again.run();
  CHECK(again.plant.dead() == 1);
  CHECK(again.plant.requeue({}).value() == 1);
  CHECK(again.plant.phase() == Phase::collect);
  again.run();
  CHECK(again.plant.dead() == 0);
  FakeStore undisturbed;
  Life whole(undisturbed);
  whole.start(3);
  whole.run();
  CHECK(again.plant.digest() == whole.plant.digest());
}

TEST_CASE("an expired lease goes to another worker, and the late result of the first still counts once") {
  FakeStore store;
  Life life(store);
  life.start(1);
  const auto first = life.plant.lease("slow", kAll, 1, life.now);
  REQUIRE(first.size() == 1);
  life.now = 1s;
  CHECK(life.plant.tick(life.now) == std::vector<std::string>{"slow"});
  life.now = 2s;
  life.plant.tick(life.now);
  const auto second = life.plant.lease("other", kAll, 1, life.now);
  REQUIRE(second.size() == 1);
  CHECK(life.plant.take("slow", work(first[0]), life.now) == PlantCore::Taken::stored);
  CHECK(life.plant.take("other", work(second[0]), life.now) == PlantCore::Taken::duplicate);
  REQUIRE(life.plant.flush(life.now));
  life.run();
  CHECK(life.plant.funnel().at("mutate.pairs") == 1);
}

TEST_CASE("a late failure of a worker that lost its lease does not count") {
  FakeStore store;
  Life life(store);
  life.start(1);
  const auto first = life.plant.lease("slow", kAll, 1, life.now);
  life.now = 1s;
  life.plant.tick(life.now);
  CHECK(life.plant.take("slow", failure(first[0], true), life.now) == PlantCore::Taken::duplicate);
  CHECK(life.plant.dead() == 0);
}

TEST_CASE("a result whose pairs do not match their ids is a failed attempt") {
  FakeStore store;
  Life life(store);
  life.start(1);
  const auto items = life.plant.lease("liar", kAll, 1, life.now);
  auto result = work(items[0]);
  result.mutable_pairs(0)->set_fixed("something else");
  CHECK(life.plant.take("liar", result, life.now) == PlantCore::Taken::failed);
  REQUIRE(life.plant.flush(life.now));
  CHECK_FALSE(life.store.is_done(Stage::mutate, *ItemId::from_bytes(items[0].id())));
}

TEST_CASE("a result that comes before its item is planned again is stored and counts once") {
  FakeStore store;
  std::vector<WorkItem> held;
  {
    Life life(store);
    life.start(4);
    held = life.plant.lease("worker", kAll, 4, life.now);
    REQUIRE(held.size() == 4);
  }
  Life again(store);  // restarted, and its planner has read nothing yet
  CHECK(again.plant.take("worker", work(held[0]), again.now) == PlantCore::Taken::stored);
  CHECK(again.plant.take("worker", work(held[0]), again.now) == PlantCore::Taken::duplicate);
  again.start(4);
  CHECK(again.plant.counts(Stage::mutate).done == 1);
  again.run();
  CHECK(again.plant.funnel().at("mutate.pairs") == 7);
}

TEST_CASE("a result of an item that nobody planned is dropped") {
  FakeStore store;
  Life life(store);
  life.start(1);
  CHECK(life.plant.take("worker", work(storage::samples::mutate_item(5)), life.now) == PlantCore::Taken::duplicate);
  CHECK_FALSE(life.plant.dirty());
}

TEST_CASE("a plan over its bound is refused by name") {
  FakeStore store;
  auto config = small_config();
  config.mutable_runtime()->set_plan_items_max(3);
  Life life(store, Until::dataset, config);
  const auto planned = life.plant.plan(sources(4));
  REQUIRE_FALSE(planned);
  CHECK(planned.error().what.find("runtime.plan_items_max") != std::string::npos);
}

TEST_CASE("changed settings make new work, other settings do not") {
  Config config;
  const auto version = stage_version(Stage::mutate, config);
  config.mutable_mutate()->set_per_function(9);
  CHECK(stage_version(Stage::mutate, config) != version);
  const auto mining = stage_version(Stage::mine_git, config);
  config.mutable_mine()->set_clones("/elsewhere");
  config.mutable_mine()->set_clone_timeout_ms(5000);
  CHECK(stage_version(Stage::mine_git, config) == mining);
}
