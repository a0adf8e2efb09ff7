// A coordinator, its disk, its nodes and the network between them under one virtual clock and one seed. The
// cores are the real ones; what is simulated is everything that can go wrong around them. Promises are
// checked while it runs, from outside: by what goes over the wire and what is on the disk.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "actors/runtime/coordinator_core.hpp"
#include "actors/runtime/node_core.hpp"
#include "tests/runtime/plant_fixture.hpp"
#include "tests/runtime/simulated_store.hpp"

namespace mendel::runtime::samples {

// How bad the world is. Every choice comes from the seed.
struct Weather {
  std::uint32_t drop = 0, twice = 0, fail = 0;  // per cent of messages, messages, attempts
  std::uint32_t delay_ms_max = 1;  // messages overtake each other within this
  std::uint32_t node_crash = 0, coordinator_crash = 0, sleep = 0, partition = 0;  // per mille of steps of 10 ms
  std::uint32_t effect_crash = 0, disk_error = 0;  // per mille of effects and of commits
};

// What the promise rests on; each can be switched off to see it break.
struct Mechanisms {
  bool leases_end = true;
  bool content_key = true;  // else an item's id holds the life of the coordinator that planned it
  bool one_batch = true;
  bool synced = true;
  bool ack_after = true;  // else results are acked as they arrive
  bool resend = true;
};

struct Ending {
  std::string digest;  // empty: the run hangs
  std::uint64_t pairs = 0;
  std::vector<std::string> broken;  // promises, in the order in which they broke
  std::uint64_t history = 0;  // hash of all that happened
  std::uint64_t crashes = 0, disk_errors = 0, partitions = 0, acked = 0;
  Moment ended_at{0};  // virtual
};

class SimulatedPlant {
 public:
  using Trace = std::function<void(Moment now, std::string_view who, std::string_view what)>;

  SimulatedPlant(std::uint64_t seed, Weather weather, Mechanisms mechanisms = {}, Trace trace = {});
  Ending run();

 private:
  struct Node {
    std::string name;
    std::unique_ptr<NodeCore> core;  // null: ended
    std::multimap<Moment, WorkItem> running;  // by when it is done
    std::set<std::uint64_t> sent;  // batches of this life
    Moment asleep_until{0}, deaf_until{0}, mute_until{0};
  };
  struct Message {
    std::string from, to;  // "" is the coordinator
    EnvelopePtr envelope;
  };
  struct Work {
    Stage::Value stage;
    ItemId id;
    std::string content;
  };

  bool chance(std::uint32_t of, std::uint32_t in) { return of > 0 && random_.below(in) < of; }
  Moment within(std::uint32_t ms) { return Moment(static_cast<std::int64_t>(random_.below(ms + 1))); }
  void note(std::string_view who, std::string_view what);
  void break_promise(std::string what);

  void start_coordinator();
  void crash_coordinator();
  template <class Act>
  void as_coordinator(Act act);
  void step_coordinator();
  bool carry_plan_on();
  Outcome work_between_phases();
  void post(const Outbox& out);
  void check_leases(const Lease& lease);
  void check_ack(const std::string& peer, std::uint64_t batch);
  void ack_at_once(const Message& message);

  void start_node(Node& node);
  void step(Node& node);
  void receive(Node& node, const Envelope& envelope);
  void carry_out(Node& node, const NodeActions& actions);
  void remember(const Node& node, const Results& results);

  void strike();
  void send(Node& node, bool to_node, const EnvelopePtr& envelope);
  void deliver();
  void say_goodbye(Ending& ending);

  Random random_;
  Weather weather_;
  Mechanisms mechanisms_;
  Trace trace_;
  Config config_;
  SimulatedStore store_;
  std::unique_ptr<PlantCore> plant_;  // null: the coordinator is down
  std::unique_ptr<CoordinatorCore> coordinator_;
  Moment up_at_{0};
  std::uint32_t life_ = 0;
  int planned_ = 0;
  std::vector<Node> nodes_;
  std::multimap<Moment, Message> wire_;
  std::map<std::string, std::string> contents_;  // by item id
  std::map<std::pair<std::string, std::uint64_t>, std::vector<Work>> batches_;  // by node and number
  std::set<std::string> acked_;  // contents
  Ending ending_;
  Moment now_{0};
};

}  // namespace mendel::runtime::samples
