// A slot's window is free when its hour has something left, nothing holds it, and its minute is not full.
#include "actors/miner/github_budget.hpp"

#include <algorithm>
#include <limits>

namespace mendel::miner {
namespace {

constexpr std::int64_t kMinuteMs = 60'000;
constexpr std::uint64_t kUnknown = std::numeric_limits<std::uint64_t>::max();

}  // namespace

GithubBudget::GithubBudget(std::size_t tokens, GithubRates rates) : rates_(rates), slots_(std::max<std::size_t>(tokens, 1)) {}

std::int64_t GithubBudget::free_at(Window& window, std::size_t per_minute, std::int64_t now_ms) const {
  while (!window.asked_ms.empty() && window.asked_ms.front() <= now_ms - kMinuteMs) window.asked_ms.pop_front();
  if (window.remaining && window.reset_ms <= now_ms) window.remaining.reset();
  auto at = window.held_until_ms;
  if (window.remaining == std::uint64_t{0}) at = std::max(at, window.reset_ms);
  if (window.asked_ms.size() >= per_minute) at = std::max(at, window.asked_ms.front() + kMinuteMs);
  return at;
}

GithubBudget::Turn GithubBudget::take(GithubResource resource, std::int64_t now_ms) {
  const auto index = static_cast<std::size_t>(resource);
  const auto per_minute = resource == GithubResource::search ? rates_.search_per_minute : rates_.core_per_minute;
  Turn turn;
  std::uint64_t most = 0;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i].refused) continue;
    auto& window = slots_[i].windows[index];
    const auto at = free_at(window, per_minute, now_ms);
    const auto left = window.remaining.value_or(kUnknown);
    if (at <= now_ms && (turn.kind != Turn::Kind::go || left > most)) {
      turn = {Turn::Kind::go, i, 0};
      most = left;
    } else if (turn.kind != Turn::Kind::go && (turn.kind == Turn::Kind::refused || at < turn.until_ms)) {
      turn = {Turn::Kind::wait, 0, at};
    }
  }
  if (turn.kind != Turn::Kind::go) return turn;
  auto& window = slots_[turn.token].windows[index];
  window.asked_ms.push_back(now_ms);
  if (window.remaining) --*window.remaining;
  return turn;
}

void GithubBudget::learn(std::size_t token, GithubResource resource, std::uint64_t remaining, std::int64_t reset_ms) {
  auto& window = slots_[token].windows[static_cast<std::size_t>(resource)];
  window.remaining = remaining;
  window.reset_ms = reset_ms;
}

void GithubBudget::hold(std::size_t token, std::optional<GithubResource> resource, std::int64_t until_ms) {
  for (std::size_t i = 0; i < slots_[token].windows.size(); ++i)
    if (!resource || static_cast<std::size_t>(*resource) == i)
      slots_[token].windows[i].held_until_ms = std::max(slots_[token].windows[i].held_until_ms, until_ms);
}

std::size_t GithubBudget::usable() const {
  return static_cast<std::size_t>(std::count_if(slots_.begin(), slots_.end(), [](const Slot& slot) { return !slot.refused; }));
}

}  // namespace mendel::miner
