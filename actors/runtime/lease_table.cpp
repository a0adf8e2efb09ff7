// Leases with deadlines, in memory.
#include "actors/runtime/lease_table.hpp"

#include <algorithm>

namespace mendel::runtime {

bool LeaseTable::grant(const ItemId& item, std::string_view worker, Moment now) {
  const auto [at, fresh] = held_.try_emplace(item, Lease{std::string(worker), now + duration_, now});
  if (fresh) return true;
  if (at->second.expires_at > now) return false;
  at->second = {std::string(worker), now + duration_, now};
  return true;
}

bool LeaseTable::renew(const ItemId& item, std::string_view worker, Moment now) {
  const auto at = held_.find(item);
  if (at == held_.end() || at->second.worker != worker || at->second.expires_at <= now) return false;
  at->second.expires_at = now + duration_;
  return true;
}

bool LeaseTable::release(const ItemId& item, std::string_view worker) {
  const auto at = held_.find(item);
  if (at == held_.end() || at->second.worker != worker) return false;
  held_.erase(at);
  return true;
}

std::vector<std::pair<ItemId, std::string>> LeaseTable::expire(Moment now) {
  std::vector<std::pair<ItemId, std::string>> ended;
  for (const auto& [item, lease] : held_)
    if (lease.expires_at <= now) ended.emplace_back(item, lease.worker);
  std::sort(ended.begin(), ended.end());
  for (const auto& [item, worker] : ended) held_.erase(item);
  return ended;
}

std::vector<ItemId> LeaseTable::take_back(std::string_view worker) {
  std::vector<ItemId> taken;
  for (const auto& [item, lease] : held_)
    if (lease.worker == worker) taken.push_back(item);
  std::sort(taken.begin(), taken.end());
  for (const auto& item : taken) held_.erase(item);
  return taken;
}

std::size_t LeaseTable::held_by(std::string_view worker) const {
  return static_cast<std::size_t>(std::count_if(held_.begin(), held_.end(), [&](const auto& entry) { return entry.second.worker == worker; }));
}

Moment LeaseTable::oldest(Moment now) const {
  Moment oldest{0};
  for (const auto& [item, lease] : held_) oldest = std::max(oldest, now - lease.granted_at);
  return oldest;
}

}  // namespace mendel::runtime
