// The coordinator's side of the protocol: envelopes in, envelopes out.
//
// hello -> welcome; want -> lease (now or as soon as there is work); results -> ack, but only from
// `flush`, after the synced write; renew -> what is lost. Pure: no threads, no clock, no network.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "actors/runtime/frames.hpp"
#include "actors/runtime/plant_core.hpp"

namespace mendel::runtime {

struct Outgoing {
  std::string peer;
  EnvelopePtr envelope;
};
using Outbox = std::vector<Outgoing>;

// Not thread-safe. A peer is a node by the name that the transport vouches for.
class CoordinatorCore {
 public:
  CoordinatorCore(PlantCore& plant, storage::PlantStore& store, Moment now) : plant_(plant), store_(store), started_(now) {}

  void receive(const std::string& peer, const Envelope& envelope, Moment now, Outbox& out);
  // Writes all results since the last flush, acks them, hands out what became ready.
  Outcome flush(Moment now, Outbox& out);
  // Expired leases, silent nodes, retries, news of work.
  void tick(Moment now, Outbox& out);
  // The transport knows that the peer is gone or no longer allowed.
  void lose(const std::string& peer, Moment now);

  // No new leases for good: the plant is ending.
  void stop_intake() { intake_ = false; }
  // No new leases until there is room on the disk again; results are kept and not acked, `flush` must wait.
  // An empty reason ends it.
  void pause_intake(std::string reason) { paused_ = std::move(reason); }
  bool drain(const std::string& node);
  // True if flush has something to write.
  bool dirty() const { return !acks_.empty() || plant_.dirty(); }
  // Tells every node that there is nothing more to do.
  void say_goodbye(const std::string& reason, Outbox& out);

  Status status(Moment now) const;
  std::map<std::string, double> training() const { return training_; }
  std::uint64_t nodes() const { return nodes_.size(); }
  bool knows(const std::string& peer) const { return nodes_.contains(peer); }
  // New results, and results that came for finished items, since the start.
  std::uint64_t stored() const { return stored_; }
  std::uint64_t duplicates() const { return duplicates_; }
  std::uint64_t failures() const { return failures_; }

 private:
  struct Node {
    Hello hello;
    std::vector<Stage::Value> stages;
    std::string worker;  // name/instance: a restarted node is another worker
    std::uint32_t credit = 0;
    std::uint64_t unstored = 0;  // results taken, not yet written
    Moment seen{0}, served{0};
    std::uint64_t done = 0;
    bool draining = false;
    std::deque<std::uint64_t> acked;  // the newest batch numbers, so that a resent failure counts once
    std::set<std::uint64_t> waiting;  // received, not yet written
  };
  struct PendingAck {
    std::string peer;
    std::uint64_t batch = 0;
    std::uint32_t stored = 0, duplicates = 0;
  };

  void on_hello(const std::string& peer, const Hello& hello, Moment now, Outbox& out);
  void on_results(const std::string& peer, Node& node, const Results& results, Moment now, Outbox& out);
  void on_renew(const std::string& peer, Node& node, const Envelope& envelope, Moment now, Outbox& out);
  void on_blob(const std::string& peer, const BlobRequest& request, Outbox& out);
  void on_report(const Report& report, Moment now);
  void serve(const std::string& peer, Node& node, Moment now, Outbox& out);
  Envelope& post(const std::string& peer, Outbox& out);
  double training_sample(const std::string& name) const;
  double seconds_left(Moment now) const;  // in this phase; < 0: unknown

  PlantCore& plant_;
  storage::PlantStore& store_;
  std::map<std::string, Node> nodes_;
  std::vector<PendingAck> acks_;
  std::map<std::string, double> training_;
  bool intake_ = true;
  std::string paused_;  // why; empty: not
  std::uint64_t stored_ = 0, duplicates_ = 0, failures_ = 0;
  Moment started_, training_since_{0};
  double minutes_before_ = 0;  // trained when the first report came

  static constexpr std::size_t kAckedKept = 4096;  // batch numbers remembered per node
  static constexpr std::size_t kNodesMax = 4096;
};

}  // namespace mendel::runtime
