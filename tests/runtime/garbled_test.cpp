// Frames that a broken or hostile node with a good key may send: damaged ones, and old ones once more.
#include <doctest/doctest.h>

#include "actors/runtime/coordinator_core.hpp"
#include "actors/runtime/node_core.hpp"
#include "tests/runtime/fake_store.hpp"
#include "tests/runtime/plant_fixture.hpp"

using namespace mendel;
using namespace mendel::runtime;
using namespace mendel::runtime::samples;

namespace {

constexpr Stage::Value kStages[] = {Stage::mutate, Stage::validate, Stage::encode};

// A coordinator and one node without a network between them; what the node says is recorded.
struct Run {
  FakeStore& store;
  PlantCore plant{small_config(), Until::dataset, {"dataset", "runs"}, store};
  CoordinatorCore core{plant, store, Moment(0)};
  std::vector<std::string> said, heard;  // by the node
  Moment now{0};

  explicit Run(FakeStore& given) : store(given) {
    REQUIRE(plant.recover());
    REQUIRE(plant.plan(sources(6)));
    REQUIRE(plant.planning_finished({}));
  }

  void hear(const Envelope& envelope, Outbox& out) {
    core.receive("node", envelope, now, out);
    REQUIRE(core.flush(now, out));
    while (run_job(plant, store)) {}
  }

  std::string to_the_end() {
    Hello hello;
    hello.set_node("node");
    for (const char* role : {"mutator", "validator", "encoder"}) hello.add_roles(role);
    hello.set_protocol(kProtocol);
    hello.set_schema(schema_hash());
    NodeCore node(hello, {std::begin(kStages), std::end(kStages)}, {});
    NodeActions actions;
    node.start(now, actions);
    while (plant.phase() != Phase::done && now < Moment(600'000)) {
      now += Moment(10);
      const auto doing = std::exchange(actions, {});
      for (const auto& item : doing.start) node.finished(work(item), actions);
      Outbox out;
      for (const auto& envelope : doing.send) {
        said.push_back(envelope->SerializeAsString());
        hear(*envelope, out);
      }
      core.tick(now, out);
      for (const auto& message : out) {
        heard.push_back(message.envelope->SerializeAsString());
        node.receive(*message.envelope, now, actions);
      }
      node.flush(now, actions);
      node.tick(now, actions);
    }
    return plant.digest();
  }
};

// One to four bytes of it are others, or its end is gone.
std::string damaged(std::string frame, Random& random) {
  if (frame.empty()) return frame;
  if (random.below(4) == 0) return frame.substr(0, random.below(frame.size()));
  for (std::uint64_t i = 0; i <= random.below(4); ++i) frame[random.below(frame.size())] = static_cast<char>(random.next());
  return frame;
}

}  // namespace

TEST_CASE("damaged frames are dropped or answered, in any order, and both sides live") {
  FakeStore recorded;
  Run run(recorded);
  REQUIRE(run.to_the_end() != "");
  Random random(27);
  int parsed = 0;
  for (int round = 0; round < 200; ++round) {
    FakeStore store;
    Run victim(store);
    FragmentJoiner joiner;
    NodeCore node({}, {std::begin(kStages), std::end(kStages)}, {});
    for (int i = 0; i < 100; ++i) {
      Outbox out;
      if (auto frame = joiner.add(damaged(run.said[random.below(run.said.size())], random)); frame && *frame) {
        victim.hear(**frame, out);
        ++parsed;
      }
      NodeActions actions;
      if (auto frame = joiner.add(damaged(run.heard[random.below(run.heard.size())], random)); frame && *frame) node.receive(**frame, victim.now, actions);
      node.tick(victim.now += Moment(50), actions);
      victim.core.tick(victim.now, out);
    }
    CHECK(victim.core.nodes() <= 1);
  }
  CHECK(parsed > 1000);
}

TEST_CASE("all that a node said, replayed to the running and to the restarted coordinator, changes nothing") {
  FakeStore store;
  std::string digest;
  std::vector<std::string> said;
  const auto replay = [&](Run& run) {
    for (const auto& frame : said) {
      Envelope envelope;
      REQUIRE(envelope.ParseFromString(frame));
      Outbox out;
      run.hear(envelope, out);
    }
  };
  {
    Run run(store);
    digest = run.to_the_end();
    said = run.said;
    const auto stored = run.core.stored();
    replay(run);
    CHECK(run.core.stored() == stored);
    CHECK(run.plant.digest() == digest);
  }
  store.restart();
  Run again(store);
  replay(again);
  CHECK(again.core.stored() == 0);
  CHECK(again.to_the_end() == digest);
  CHECK(again.plant.funnel().at("mutate.pairs") == 12);
}
