// Where items wait for workers, and which worker holds which. Two backends, one contract
// (tests/runtime/queue_test.cpp runs it over both); `queue.backend` chooses.
//
// On the data's way: the plan puts in what the store holds and is not done, and takes out what it hands to
// workers. The store is the truth: a queue that forgot an item gets it again, one that delivers a finished item
// is told so. Hence at-least-once is all that a backend must promise.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "actors/runtime/lease_table.hpp"
#include "proto/config.pb.h"
#include "proto/ids.hpp"
#include "proto/result.hpp"
#include "proto/work.pb.h"

namespace mendel::runtime {

// Not thread-safe: one owner. Time comes in as an argument. An item that the queue knows waits, waits for its
// time, is held by one worker, or is in its owner's hands (its lease ended: put_back, retry or done must follow).
class ItemQueue {
 public:
  virtual ~ItemQueue() = default;

  // A new item waits, behind the others. One that the queue knows stays as it is.
  virtual void put(Stage::Value stage, const ItemId& item) = 0;
  // What was put since the last call is kept by the backend. unavailable: it cannot be reached; what was put
  // stays with us and is handed over by a later call.
  virtual Outcome settle() = 0;

  // The first that waits, from now on held by `worker`. Nothing: none waits here now.
  virtual std::optional<ItemId> take(Stage::Value stage, std::string_view worker, Moment now) = 0;
  // False if `worker` does not hold it.
  virtual bool renew(const ItemId& item, std::string_view worker, Moment now) = 0;

  // These end leases and give the items into the owner's hands. Ascending by item.
  virtual bool release(const ItemId& item, std::string_view worker) = 0;  // false if `worker` does not hold it
  virtual void withhold(const ItemId& item) = 0;  // whoever holds it
  virtual std::vector<std::pair<ItemId, std::string>> expire(Moment now) = 0;  // also lets wait what has its time
  virtual std::vector<ItemId> take_back(std::string_view worker) = 0;

  // From the owner's hands: waits again, before or behind the others; from `at` on; or is never seen again.
  virtual void put_back(Stage::Value stage, const ItemId& item, bool first) = 0;
  virtual void retry(Stage::Value stage, const ItemId& item, Moment at) = 0;
  virtual void done(const ItemId& item) = 0;

  virtual std::size_t held() const = 0;
  virtual std::size_t held_by(std::string_view worker) const = 0;
  virtual Moment oldest_lease(Moment now) const = 0;  // how long the item held longest is held; 0: none is
};

// In memory: what it must not forget is in the plant's store.
std::unique_ptr<ItemQueue> make_embedded_queue(Moment lease);

// As `queue.backend` says. unavailable: this build has no such backend, or its server does not answer.
Result<std::unique_ptr<ItemQueue>> open_queue(const Config& config);

}  // namespace mendel::runtime
