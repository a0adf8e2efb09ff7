// The node's side of the protocol: what to ask for, what to start, what to send again.
//
// Pure: no threads, no clock, no network. The node actor carries out the actions it answers.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "actors/runtime/frames.hpp"
#include "actors/runtime/lease_table.hpp"
#include "proto/config.pb.h"
#include "proto/ids.hpp"

namespace mendel::runtime {

// What the owner has to do, in this order.
struct NodeActions {
  bool configured = false;  // the coordinator's configuration is there (NodeCore::config)
  std::vector<std::pair<std::string, std::string>> vocabularies;  // hash, merges
  std::vector<WorkItem> start;
  std::vector<EnvelopePtr> send;
  bool ended = false;  // nothing is held, nothing more will come
  std::string refused;  // not empty: the node was not let in, or was thrown out
};

struct NodeLimits {
  std::uint32_t workers = 1;  // items that run at once
  std::uint32_t held_max = 4;  // items leased at once
  Moment resend{1000};
};

// Not thread-safe. Holds at most `held_max` items and, until they are acked, the results of about as many
// more: a coordinator that writes slowly gets work out of this node slowly.
class NodeCore {
 public:
  NodeCore(Hello hello, std::vector<Stage::Value> stages, NodeLimits limits)
      : hello_(std::move(hello)), stages_(std::move(stages)), limits_(limits), next_batch_((hello_.instance() & ~0xffff'ffffull) + 1) {}

  void start(Moment now, NodeActions& actions);  // says hello
  void receive(const Envelope& envelope, Moment now, NodeActions& actions);
  // An item that was started is done. Its result goes out with the next flush.
  void finished(WorkResult result, NodeActions& actions);
  // An item that was started was broken off by our own end: it goes back with the goodbye.
  void broken_off(const ItemId& item, NodeActions& actions);
  // Sends the results since the last flush as one batch.
  void flush(Moment now, NodeActions& actions);
  // Asks again, renews leases, sends again what was not acked.
  void tick(Moment now, NodeActions& actions);
  // Finishes what runs, gives back what waits, takes no more; `ended` follows.
  void drain(NodeActions& actions);
  // Gives back what is held. The last thing a node that was let in sends.
  void say_goodbye(NodeActions& actions) const;
  void report(const Report& report, NodeActions& actions);

  bool joined() const { return joined_; }
  const Config& config() const { return config_; }
  std::size_t held() const { return queue_.size() + running_.size(); }
  std::size_t unacked() const { return fresh_.size() + sent_results_; }  // results

 private:
  struct Batch {
    EnvelopePtr envelope;
    Moment sent_at;
    std::size_t results;
  };

  void on_lease(const Lease& lease, NodeActions& actions);
  void on_goodbye(const Goodbye& goodbye, NodeActions& actions);
  void start_ready(NodeActions& actions);
  void ask(Moment now, NodeActions& actions);
  void take_ack(std::uint64_t batch);
  std::uint32_t room() const;  // items that could be taken now
  void check_end(NodeActions& actions) const;
  std::shared_ptr<Envelope> envelope() const;

  Hello hello_;
  std::vector<Stage::Value> stages_;
  NodeLimits limits_;
  Config config_;
  bool joined_ = false, drained_ = false, draining_ = false;
  std::uint64_t epoch_ = 0;
  std::uint64_t next_batch_;  // begins with the instance: what an earlier life sent late is not taken for ours
  std::deque<WorkItem> queue_;
  std::set<ItemId> running_;
  std::vector<WorkResult> fresh_;
  std::map<std::uint64_t, Batch> unacked_;
  std::size_t sent_results_ = 0;  // in unacked_
  std::set<std::string> vocabularies_;
  Moment lease_{30000}, asked_at_{0}, renewed_at_{0}, hello_at_{0};
};

}  // namespace mendel::runtime
