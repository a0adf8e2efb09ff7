// What is done while it waits is passed over when its turn comes.
#include "actors/runtime/embedded_queue.hpp"

namespace mendel::runtime {

void EmbeddedQueue::put(Stage::Value stage, const ItemId& item) {
  if (known_.insert(item).second) ready_[stage].push_back(item);
}

std::optional<ItemId> EmbeddedQueue::take(Stage::Value stage, std::string_view worker, Moment now) {
  for (auto& ready = ready_[stage]; !ready.empty();) {
    const auto item = ready.front();
    ready.pop_front();
    if (known_.contains(item) && leases_.grant(item, worker, now)) return item;
  }
  return std::nullopt;
}

std::vector<std::pair<ItemId, std::string>> EmbeddedQueue::expire(Moment now) {
  while (!delayed_.empty() && delayed_.begin()->first <= now) {
    const auto [stage, item] = delayed_.begin()->second;
    delayed_.erase(delayed_.begin());
    if (known_.contains(item)) ready_[stage].push_back(item);
  }
  return leases_.expire(now);
}

void EmbeddedQueue::put_back(Stage::Value stage, const ItemId& item, bool first) {
  if (first) ready_[stage].push_front(item);
  else ready_[stage].push_back(item);
}

void EmbeddedQueue::done(const ItemId& item) {
  leases_.forget(item);
  known_.erase(item);
}

std::unique_ptr<ItemQueue> make_embedded_queue(Moment lease) { return std::make_unique<EmbeddedQueue>(lease); }

}  // namespace mendel::runtime
