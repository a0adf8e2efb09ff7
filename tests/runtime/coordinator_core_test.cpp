// What the coordinator hands out, by what it can know of a node. The protocol as a whole: simulation_test.cpp.
#include "actors/runtime/coordinator_core.hpp"

#include <doctest/doctest.h>

#include "tests/runtime/fake_store.hpp"
#include "tests/runtime/plant_fixture.hpp"

using namespace mendel;
using namespace mendel::runtime;
using namespace mendel::runtime::samples;

namespace {

constexpr std::uint32_t kHeldMax = 4;

// A coordinator over many planned files, and one node that it let in.
struct Plant {
  FakeStore store;
  PlantCore plant{small_config(), Until::dataset, Folders{"dataset", "runs"}, store};
  CoordinatorCore core{plant, store, Moment(0)};
  std::vector<WorkItem> leased;

  Plant() {
    REQUIRE(plant.recover());
    REQUIRE(plant.plan(sources(64)));
    Envelope hello;
    hello.mutable_hello()->set_node("node");
    hello.mutable_hello()->add_roles("mutator");
    hello.mutable_hello()->set_protocol(kProtocol);
    hello.mutable_hello()->set_schema(schema_hash());
    receive(hello, Moment(0));
  }

  void receive(const Envelope& envelope, Moment now) {
    Outbox out;
    core.receive("node", envelope, now, out);
    keep_leased(out);
  }
  void flush(Moment now) {
    Outbox out;
    REQUIRE(core.flush(now, out));
    keep_leased(out);
  }
  // What a node says that has `in_hand` items and room for the rest.
  void want(std::uint32_t in_hand, Moment now) {
    Envelope want;
    want.mutable_want()->set_credit(kHeldMax - in_hand);
    want.mutable_want()->set_in_hand(in_hand);
    want.mutable_want()->add_stages(Stage::mutate);
    receive(want, now);
  }
  void keep_leased(const Outbox& out) {
    for (const auto& message : out) leased.insert(leased.end(), message.envelope->lease().items().begin(), message.envelope->lease().items().end());
  }
};

}  // namespace

TEST_CASE("wants that were sent before a lease arrived do not bury the node") {
  Plant plant;
  for (int again = 0; again < 10; ++again) plant.want(0, Moment(10 + again));
  CHECK(plant.leased.size() == kHeldMax);
}

TEST_CASE("results that are not stored yet count as in the node's hands") {
  Plant plant;
  plant.want(0, Moment(10));
  REQUIRE(plant.leased.size() == kHeldMax);
  Envelope results;
  results.mutable_results()->set_batch(1);
  for (const auto& item : plant.leased) *results.mutable_results()->add_results() = work(item);
  plant.receive(results, Moment(20));
  plant.want(0, Moment(21));
  CHECK(plant.leased.size() == kHeldMax);
  plant.flush(Moment(22));
  plant.want(0, Moment(23));
  CHECK(plant.leased.size() == 2 * kHeldMax);
}

TEST_CASE("a lease that was lost on its way does not keep the node idle until it ends") {
  Plant plant;
  plant.want(0, Moment(10));
  plant.want(0, Moment(500));
  REQUIRE(plant.leased.size() == kHeldMax);
  plant.want(0, Moment(2500));
  CHECK(plant.leased.size() == 2 * kHeldMax);
}

TEST_CASE("while intake is paused nothing is handed out and the status says why, and then it goes on") {
  Plant plant;
  plant.core.pause_intake("the disk is full");
  plant.want(0, Moment(10));
  CHECK(plant.leased.empty());
  CHECK(plant.core.status(Moment(10)).intake_paused() == "the disk is full");
  plant.core.pause_intake({});
  plant.want(0, Moment(20));
  CHECK(plant.leased.size() == kHeldMax);
  CHECK(plant.core.status(Moment(20)).intake_paused().empty());
}
