// How much may be used of what is rationed: items of a stage a second, calls of an API an hour. Budgets live
// in the coordinator alone, so that a limit holds for the plant however many nodes it has.
#pragma once

#include <cstdint>

#include "actors/runtime/lease_table.hpp"

namespace mendel::runtime {

// Not thread-safe; time comes in as an argument and never goes back.
class RateBudget {
 public:
  virtual ~RateBudget() = default;
  // How many of `wanted` may be used now; they count as used.
  virtual std::uint32_t take(std::uint32_t wanted, Moment now) = 0;
  // Of what was taken, this much was not used.
  virtual void give_back(std::uint32_t unused) = 0;
  // The other side said so (429, retry-after, a reset time): nothing before `until`. Never shortens.
  virtual void pause(Moment until) = 0;
};

// `per_second` on average, and at most one second's worth (or one, if that is less) at once.
class TokenBucket final : public RateBudget {
 public:
  explicit TokenBucket(double per_second) : per_second_(per_second), most_(per_second > 1 ? per_second : 1), tokens_(most_) {}

  std::uint32_t take(std::uint32_t wanted, Moment now) override;
  void give_back(std::uint32_t unused) override;
  void pause(Moment until) override;

 private:
  double per_second_, most_, tokens_;
  Moment filled_at_{0}, paused_until_{0};
};

}  // namespace mendel::runtime
