// A token bucket that fills by the clock it is given.
#include "actors/runtime/rate_budget.hpp"

#include <algorithm>
#include <chrono>

namespace mendel::runtime {

std::uint32_t TokenBucket::take(std::uint32_t wanted, Moment now) {
  if (now > filled_at_) {
    tokens_ = std::min(most_, tokens_ + per_second_ * std::chrono::duration<double>(now - filled_at_).count());
    filled_at_ = now;
  }
  if (now < paused_until_) return 0;
  const auto taken = std::min(wanted, static_cast<std::uint32_t>(tokens_));
  tokens_ -= taken;
  return taken;
}

void TokenBucket::give_back(std::uint32_t unused) { tokens_ = std::min(most_, tokens_ + unused); }

void TokenBucket::pause(Moment until) { paused_until_ = std::max(paused_until_, until); }

}  // namespace mendel::runtime
