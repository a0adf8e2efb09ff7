// Leases with deadlines, in memory.
#include "actors/runtime/lease_table.hpp"

#include <algorithm>

namespace mendel::runtime {

bool LeaseTable::grant(const ItemId& item, std::string_view worker, Moment now) {
  const auto [at, fresh] = held_.try_emplace(item, Lease{std::string(worker), now + duration_, now});
  if (!fresh) {
    if (at->second.expires_at > now) return false;
    end(at);
    return grant(item, worker, now);
  }
  ++counts_[at->second.worker];
  return true;
}

void LeaseTable::end(Held::iterator at) {
  const auto count = counts_.find(at->second.worker);
  if (--count->second == 0) counts_.erase(count);
  held_.erase(at);
}

void LeaseTable::forget(const ItemId& item) {
  if (const auto at = held_.find(item); at != held_.end()) end(at);
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
  end(at);
  return true;
}

std::vector<std::pair<ItemId, std::string>> LeaseTable::expire(Moment now) {
  std::vector<std::pair<ItemId, std::string>> ended;
  for (const auto& [item, lease] : held_)
    if (lease.expires_at <= now) ended.emplace_back(item, lease.worker);
  std::sort(ended.begin(), ended.end());
  for (const auto& [item, worker] : ended) forget(item);
  return ended;
}

std::vector<ItemId> LeaseTable::take_back(std::string_view worker) {
  std::vector<ItemId> taken;
  for (const auto& [item, lease] : held_)
    if (lease.worker == worker) taken.push_back(item);
  std::sort(taken.begin(), taken.end());
  for (const auto& item : taken) forget(item);
  return taken;
}

std::size_t LeaseTable::held_by(std::string_view worker) const {
  const auto at = counts_.find(std::string(worker));
  return at == counts_.end() ? 0 : at->second;
}

Moment LeaseTable::oldest(Moment now) const {
  Moment oldest{0};
  for (const auto& [item, lease] : held_) oldest = std::max(oldest, now - lease.granted_at);
  return oldest;
}

}  // namespace mendel::runtime
