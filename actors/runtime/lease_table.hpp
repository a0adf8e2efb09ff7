// Which worker holds which item, and until when.
//
// On the data's way: asked before an item is handed out and after a result came in. Leases live in
// memory only: after a restart pending = items - done, so a lost table costs repeated work, never an
// item (docs/reliability.md).
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "proto/ids.hpp"

namespace mendel::runtime {

// Monotonic time since the process started; tests pass their own.
using Moment = std::chrono::milliseconds;

// Not thread-safe: one owner. Time comes in as an argument, so that every test decides it. grant, renew,
// release and held_by are O(1), expire and take_back are O(size).
class LeaseTable {
 public:
  // `duration` > 0: how long a lease lasts unless renewed.
  explicit LeaseTable(Moment duration) : duration_(duration) {}

  // Leases `item` to `worker`. False while another worker holds it.
  bool grant(const ItemId& item, std::string_view worker, Moment now);
  // Extends the lease. False if `worker` no longer holds it: its result would be a duplicate.
  bool renew(const ItemId& item, std::string_view worker, Moment now);
  // True if `worker` held the item until now.
  bool release(const ItemId& item, std::string_view worker);
  void forget(const ItemId& item);

  // Takes back every lease that ended at or before `now`, with the worker that held it; ascending by
  // item, so that a replay with the same seed hands items out in the same order.
  std::vector<std::pair<ItemId, std::string>> expire(Moment now);
  // Takes back all that `worker` holds; ascending.
  std::vector<ItemId> take_back(std::string_view worker);

  std::size_t size() const { return held_.size(); }
  std::size_t held_by(std::string_view worker) const;
  // How long the item that is held longest has been held, renewals included; 0: none is. O(size).
  Moment oldest(Moment now) const;

 private:
  struct Lease {
    std::string worker;
    Moment expires_at;  // from this moment on the item may be handed to another
    Moment granted_at;
  };
  using Held = std::unordered_map<ItemId, Lease>;
  void end(Held::iterator at);

  Moment duration_;
  Held held_;
  std::unordered_map<std::string, std::size_t> counts_;  // by worker; none of 0
};

}  // namespace mendel::runtime
