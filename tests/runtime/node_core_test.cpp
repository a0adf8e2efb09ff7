// A node's side of the protocol: bounds, resending, draining, the end.
#include "actors/runtime/node_core.hpp"

#include <doctest/doctest.h>

#include <set>

#include "tests/runtime/plant_fixture.hpp"

using namespace mendel;
using namespace mendel::runtime;
using namespace mendel::runtime::samples;
using namespace std::chrono_literals;

namespace {

Envelope welcome() {
  Envelope out;
  out.set_epoch(1);
  out.mutable_welcome()->set_lease_ms(3000);
  return out;
}

// A lease of the items first … last.
Envelope lease_of(int first, int last) {
  Envelope out;
  out.set_epoch(1);
  for (int n = first; n <= last; ++n) *out.mutable_lease()->add_items() = storage::samples::mutate_item(n);
  return out;
}

Envelope ack_of(std::uint64_t batch) {
  Envelope out;
  out.set_epoch(1);
  out.mutable_ack()->set_batch(batch);
  return out;
}

// The credit of the newest want, or nothing if none was sent.
std::optional<std::uint32_t> credit_in(const NodeActions& actions) {
  std::optional<std::uint32_t> out;
  for (const auto& envelope : actions.send)
    if (envelope->has_want()) out = envelope->want().credit();
  return out;
}

std::vector<std::uint64_t> batches_in(const NodeActions& actions) {
  std::vector<std::uint64_t> out;
  for (const auto& envelope : actions.send)
    if (envelope->has_results()) out.push_back(envelope->results().batch());
  return out;
}

struct Joined {
  NodeCore core{{}, {Stage::mutate}, NodeLimits{2, 4, Moment(300)}};
  Moment now{1000};

  Joined() {
    NodeActions actions;
    core.start(now, actions);
    core.receive(welcome(), now, actions);
    REQUIRE(core.joined());
    CHECK(credit_in(actions) == 4);
  }
  NodeActions receive(const Envelope& envelope) {
    NodeActions actions;
    core.receive(envelope, now, actions);
    return actions;
  }
  NodeActions finish(const std::vector<WorkItem>& items) {
    NodeActions actions;
    for (const auto& item : items) core.finished(work(item), actions);
    core.flush(now, actions);
    return actions;
  }
};

}  // namespace

TEST_CASE("as many items run at once as there are workers, the rest waits, repeats are passed over") {
  Joined node;
  CHECK(node.receive(lease_of(1, 4)).start.size() == 2);
  CHECK(node.receive(lease_of(1, 4)).start.empty());
  CHECK(node.core.held() == 4);
}

TEST_CASE("results that nobody acks stop the node from asking for more") {
  Joined node;
  auto actions = node.receive(lease_of(1, 4));
  for (int first = 5; first <= 40; first += 4) {
    std::vector<WorkItem> done = actions.start;
    NodeActions after = node.finish(done);
    while (!after.start.empty()) {
      done = after.start;
      after = node.finish(done);
    }
    const auto credit = credit_in(after);
    if (!credit || *credit == 0) break;
    actions = node.receive(lease_of(first, first + static_cast<int>(*credit) - 1));
  }
  CHECK(node.core.held() + node.core.unacked() <= 8);
  const auto stuck = node.core.unacked();
  NodeActions asked;
  for (std::uint64_t batch = 1; batch <= 40; ++batch) {
    const auto got = node.receive(ack_of(batch));
    if (credit_in(got)) asked = got;
  }
  CHECK(stuck > 0);
  CHECK(node.core.unacked() == 0);
  CHECK(credit_in(asked) == 4);
}

TEST_CASE("a batch is sent again with its number until it is acked, and an ack that comes twice does no harm") {
  Joined node;
  const auto first = node.finish(node.receive(lease_of(1, 1)).start);
  REQUIRE(batches_in(first).size() == 1);
  NodeActions actions;
  node.core.tick(node.now + 299ms, actions);
  CHECK(batches_in(actions).empty());
  node.core.tick(node.now + 300ms, actions);
  CHECK(batches_in(actions) == batches_in(first));
  for (int i = 0; i < 2; ++i) node.receive(ack_of(batches_in(first)[0]));
  CHECK(node.core.unacked() == 0);
  NodeActions later;
  node.core.tick(node.now + 900ms, later);
  CHECK(batches_in(later).empty());
}

TEST_CASE("a draining node finishes what runs, gives back the rest, and ends when all is acked") {
  Joined node;
  const auto running = node.receive(lease_of(1, 4)).start;
  NodeActions actions;
  node.core.drain(actions);
  CHECK_FALSE(actions.ended);
  CHECK(node.core.held() == 2);
  const auto sent = node.finish(running);
  CHECK_FALSE(sent.ended);
  CHECK_FALSE(credit_in(sent));
  CHECK(node.receive(ack_of(batches_in(sent)[0])).ended);
  NodeActions last;
  node.core.say_goodbye(last);
  REQUIRE(last.send.size() == 1);
  CHECK(last.send[0]->has_goodbye());
}

TEST_CASE("an item that our own end broke off is not a result") {
  Joined node;
  const auto running = node.receive(lease_of(1, 1)).start;
  NodeActions actions;
  node.core.drain(actions);
  node.core.broken_off(*ItemId::from_bytes(running[0].id()), actions);
  CHECK(actions.ended);
  CHECK(node.core.unacked() == 0);
}

TEST_CASE("a node that the restarted coordinator does not know says hello again, once") {
  Joined node;
  Envelope unknown;
  unknown.set_epoch(2);
  unknown.mutable_goodbye()->set_reason("hello");
  node.now += 1s;
  const auto first = node.receive(unknown);
  REQUIRE(first.send.size() == 1);
  CHECK(first.send[0]->has_hello());
  CHECK(node.receive(unknown).send.empty());
  CHECK(node.receive(unknown).refused.empty());
}

TEST_CASE("a refused node ends with the reason") {
  NodeCore core{{}, {Stage::mutate}, NodeLimits{}};
  NodeActions actions;
  Envelope refused;
  refused.mutable_welcome()->set_refused("mixed versions");
  core.receive(refused, 0ms, actions);
  CHECK(actions.refused == "mixed versions");
  CHECK_FALSE(core.joined());
}

TEST_CASE("two lives of a node never use the same batch number") {
  std::set<std::uint64_t> numbers;
  for (const std::uint64_t instance : {0x1234'0000'0000ull, 0x5678'0000'0000ull}) {
    Hello hello;
    hello.set_instance(instance);
    NodeCore core(hello, {Stage::mutate}, {});
    NodeActions actions;
    core.receive(welcome(), Moment(0), actions);
    core.receive(lease_of(0, 0), Moment(0), actions);
    core.finished(work(storage::samples::mutate_item(0)), actions);
    core.flush(Moment(0), actions);
    for (const auto batch : batches_in(actions)) numbers.insert(batch);
  }
  CHECK(numbers.size() == 2);
}
