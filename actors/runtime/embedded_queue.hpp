// The queue in memory: who waits, who is held, who waits for its time. Also what other backends keep of the
// items that are in this process.
#pragma once

#include <deque>
#include <map>
#include <unordered_set>

#include "actors/runtime/queue.hpp"

namespace mendel::runtime {

class EmbeddedQueue : public ItemQueue {
 public:
  explicit EmbeddedQueue(Moment lease) : leases_(lease) {}

  void put(Stage::Value stage, const ItemId& item) override;
  Outcome settle() override { return Done{}; }
  std::optional<ItemId> take(Stage::Value stage, std::string_view worker, Moment now) override;
  bool renew(const ItemId& item, std::string_view worker, Moment now) override { return leases_.renew(item, worker, now); }
  bool release(const ItemId& item, std::string_view worker) override { return leases_.release(item, worker); }
  void withhold(const ItemId& item) override { leases_.forget(item); }
  std::vector<std::pair<ItemId, std::string>> expire(Moment now) override;
  std::vector<ItemId> take_back(std::string_view worker) override { return leases_.take_back(worker); }
  void put_back(Stage::Value stage, const ItemId& item, bool first) override;
  void retry(Stage::Value stage, const ItemId& item, Moment at) override { delayed_.emplace(at, std::pair(stage, item)); }
  void done(const ItemId& item) override;
  std::size_t held() const override { return leases_.size(); }
  std::size_t held_by(std::string_view worker) const override { return leases_.held_by(worker); }
  Moment oldest_lease(Moment now) const override { return leases_.oldest(now); }

 protected:
  // Known from now on, without waiting here. False: it was.
  bool remember(const ItemId& item) { return known_.insert(item).second; }

 private:
  LeaseTable leases_;
  std::unordered_set<ItemId> known_;
  std::map<Stage::Value, std::deque<ItemId>> ready_;
  std::multimap<Moment, std::pair<Stage::Value, ItemId>> delayed_;
};

}  // namespace mendel::runtime
