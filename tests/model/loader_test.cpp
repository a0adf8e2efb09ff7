// Sources that are read block by block: every sample comes, few blocks are held, runs go on as if never stopped.
#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <map>
#include <set>

#include "model/loader.hpp"
#include "runs.hpp"

using namespace mendel::model;

namespace {

using Batches = std::vector<std::vector<std::uint64_t>>;

// The first `count` batches from `at` on.
Batches batches_of(const SampleSource& source, LoaderPosition at, std::size_t count, std::span<const std::uint64_t> subset = {}) {
  Loader loader(source, 7, {100, 400}, subset);
  Batches out;
  while (out.size() < count) out.push_back(*loader.next(at));
  return out;
}

}  // namespace

TEST_CASE("an epoch of windows brings every sample once, and holds few blocks") {
  const BlockedSet set(1000, 64, 3);
  Loader loader(set, 7, {100, 400});
  for (std::uint64_t epoch = 0; epoch < 3; ++epoch) {
    std::vector<std::uint64_t> seen;
    LoaderPosition at{epoch, 0};
    do {
      const auto batch = loader.next(at);
      REQUIRE(batch);
      std::uint32_t longest = 0;
      for (const auto i : *batch) {
        CHECK(loader.sample(i).cells == set.whole().sample(i).cells);
        longest = std::max(longest, set.whole().cells(i));
      }
      CHECK(longest * batch->size() <= 100);
      seen.insert(seen.end(), batch->begin(), batch->end());
      CHECK(loader.epoch_share(at) <= 1);
    } while (!loader.epoch_over(at));
    CHECK(loader.epoch_share(at) == doctest::Approx(1));
    std::sort(seen.begin(), seen.end());
    REQUIRE(seen.size() == set.size());
    CHECK(std::adjacent_find(seen.begin(), seen.end()) == seen.end());
  }
  CHECK(set.most_alive() <= 2 * 3);
}

TEST_CASE("other blocks meet in another epoch, and a batch mixes all of its window") {
  const BlockedSet set(1000, 50, 4);
  std::map<std::uint64_t, std::set<std::set<std::uint64_t>>> met;  // blocks of each window, by epoch
  Loader loader(set, 7, {2500, 400, 200});
  for (LoaderPosition at; at.epoch < 2;) {
    const auto batch = loader.next(at);
    std::set<std::uint64_t> blocks;
    for (const auto i : *batch) blocks.insert(i / 50);
    CHECK(blocks.size() == 4);  // 200 samples are the whole window
    met[at.epoch].insert(blocks);
  }
  CHECK(met[0].size() == 5);
  CHECK(met[0] != met[1]);
}

TEST_CASE("any position of a window can be gone back to") {
  const BlockedSet set(1000, 64, 3);
  Loader loader(set, 7, {100, 400});
  LoaderPosition at;
  std::vector<std::pair<LoaderPosition, std::vector<std::uint64_t>>> way;
  while (at.epoch < 2) {
    const auto before = at;
    way.emplace_back(before, *loader.next(at));
  }
  for (std::size_t k = 0; k < way.size(); k += 17) CHECK(batches_of(set, way[k].first, 1)[0] == way[k].second);
}

TEST_CASE("blocks that fit together come in the order of a set in memory") {
  const BlockedSet set(500, 64, 100);
  CHECK(batches_of(set, {}, 150) == batches_of(set.whole(), {}, 150));
}

TEST_CASE("of a subset every sample comes once, and blocks without any are not read") {
  const BlockedSet set(1000, 50, 2);
  std::vector<std::uint64_t> subset;
  for (std::uint64_t i = 0; i < 1000; i += i % 50 == 0 && i / 50 % 2 == 0 ? 60 : 7)
    if (i / 50 % 4 != 3) subset.push_back(i);
  Loader loader(set, 7, {100, 400}, subset);
  std::vector<std::uint64_t> seen;
  LoaderPosition at;
  while (seen.size() < subset.size()) {
    const auto batch = *loader.next(at);
    seen.insert(seen.end(), batch.begin(), batch.end());
  }
  CHECK(loader.epoch_over(at));
  std::sort(seen.begin(), seen.end());
  CHECK(seen == subset);
  CHECK(set.reads(3) == 0);
  const std::vector<std::uint64_t> one = {777};
  CHECK(batches_of(set, {}, 3, one) == Batches(3, one));
}

TEST_CASE("a block that cannot be read ends the way with its own words") {
  BlockedSet set(1000, 50, 2);
  set.break_block(13);
  Loader loader(set, 7, {100, 400});
  std::size_t batches = 0;
  LoaderPosition at;
  auto batch = loader.next(at);
  for (; batch; batch = loader.next(at)) ++batches;
  CHECK(batch.failure().fault == Fault::corrupt);
  CHECK(batch.failure().what == "block 13 is damaged");
  CHECK(at.epoch == 0);
}

TEST_CASE("a run over windows goes on after a kill with the same losses, and not with other windows") {
  Plan whole("windows"), parted("windows-parted");
  const BlockedSet set(200, 16, 2), roomier(200, 16, 3);
  for (auto* plan : {&whole, &parted}) {
    plan->input.train = &set;
    plan->input.options.cells_per_batch = 150;
    plan->input.options.steps_max = 30;
    plan->input.options.evaluations = 30;
  }
  REQUIRE(train(whole.input));
  std::uint64_t steps = 0, stop_at = 4;
  parted.input.on_step = [&](const StepReport& r) { steps = r.step; };
  parted.input.stop = [&] { return steps >= stop_at; };
  for (; stop_at < 30; stop_at += 7) REQUIRE_FALSE(train(parted.input));
  parted.input.train = &roomier;
  const auto refused = train(parted.input);
  REQUIRE_FALSE(refused);
  CHECK(refused.failure().what.find("another option.blocks_held (2, now 3)") != std::string::npos);
  parted.input.train = &set;
  stop_at = std::numeric_limits<std::uint64_t>::max();
  REQUIRE(train(parted.input));
  CHECK(trace(parted.metrics()) == trace(whole.metrics()));
  CHECK(bytes_of(parted.input.run / "checkpoint.safetensors") == bytes_of(whole.input.run / "checkpoint.safetensors"));
}

TEST_CASE("a curriculum's stages end where their samples do, in windows too") {
  Plan plan("windows-stages");
  const BlockedSet set(200, 16, 2);
  plan.input.train = &set;
  plan.input.options.steps_max = 0;
  plan.input.options.cells_per_batch = 150;
  StagePlan first, second;
  first.name = "first";
  for (std::uint64_t i = 0; i < 200; i += 3) first.samples.push_back(i);
  first.epochs = 2;
  second.name = "second";
  second.epochs = 1;
  plan.input.stages = {first, second};
  std::map<std::string, std::uint64_t> seen;
  std::uint64_t before = 0;
  plan.input.on_step = [&](const StepReport& r) {
    seen[r.stage] += r.samples_seen - before;
    before = r.samples_seen;
  };
  REQUIRE(train(plan.input));
  CHECK(seen["first"] == 2 * first.samples.size());
  CHECK(seen["second"] == 200);
}
