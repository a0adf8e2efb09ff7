// How much may be asked of the API and by which token: the one place that knows the limits, so it lives
// with the coordinator. Pure; the time comes in, so that every test decides it.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

namespace mendel::miner {

enum class GithubResource { core, search };  // each with a limit of its own

struct GithubRates {
  std::size_t core_per_minute = 900, search_per_minute = 30;  // of one token
};

// Times are milliseconds since 1970. Not thread-safe.
class GithubBudget {
 public:
  // Without a token (0) one slot stands for the anonymous client.
  GithubBudget(std::size_t tokens, GithubRates rates);

  struct Turn {
    enum class Kind { go, wait, refused } kind = Kind::refused;  // refused: no token is left
    std::size_t token = 0;  // go: this one asks, and that is counted
    std::int64_t until_ms = 0;  // wait: nothing can be asked before
  };
  // Of the tokens that may ask now, the one with the most left; the first of equals.
  Turn take(GithubResource resource, std::int64_t now_ms);

  // What an answer's x-ratelimit headers said.
  void learn(std::size_t token, GithubResource resource, std::uint64_t remaining, std::int64_t reset_ms);
  // Not before `until_ms` (a limit that was hit; secondary limits count for everything that a token asks).
  void hold(std::size_t token, std::optional<GithubResource> resource, std::int64_t until_ms);
  // The token was revoked.
  void refuse(std::size_t token) { slots_[token].refused = true; }

  std::size_t usable() const;  // tokens that were not refused

 private:
  struct Window {
    std::optional<std::uint64_t> remaining;
    std::int64_t reset_ms = 0, held_until_ms = 0;
    std::deque<std::int64_t> asked_ms;  // of the last minute
  };
  struct Slot {
    bool refused = false;
    std::array<Window, 2> windows;
  };
  // When this window may ask next; `now_ms` or earlier: at once.
  std::int64_t free_at(Window& window, std::size_t per_minute, std::int64_t now_ms) const;

  GithubRates rates_;
  std::vector<Slot> slots_;
};

}  // namespace mendel::miner
