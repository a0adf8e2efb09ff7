// One line a step: count, share, description.
#include "actors/cli/funnel_text.hpp"

#include <cstdio>
#include <utility>

namespace mendel::cli {
namespace {

std::uint64_t count(const Funnel& funnel, const std::string& counter) {
  const auto at = funnel.find(counter);
  return at == funnel.end() ? 0 : at->second;
}

std::string share(std::uint64_t n, std::uint64_t previous) {
  char text[32] = "-";
  if (previous > 0) {
    const auto tenths = (n * 1000 + previous / 2) / previous;
    std::snprintf(text, sizeof text, "%llu.%llu %%", static_cast<unsigned long long>(tenths / 10), static_cast<unsigned long long>(tenths % 10));
  }
  return text;
}

void print_line(std::uint64_t n, const std::string& share, const char* words) {
  std::printf("%12llu  %8s  %s\n", static_cast<unsigned long long>(n), share.c_str(), words);
}

}  // namespace

void print_funnel(std::span<const miner::FunnelStep> steps, const Funnel& funnel, std::span<const FunnelReasons> reasons) {
  std::uint64_t previous = 0;
  for (const auto& step : steps) {
    const auto n = count(funnel, step.counter);
    print_line(n, share(n, previous), step.description);
    previous = n;
  }
  for (const auto& group : reasons) {
    bool titled = false;
    for (const auto& [counter, n] : funnel) {
      if (counter.find(group.part) == std::string::npos) continue;
      if (!std::exchange(titled, true)) std::printf("%s\n", group.title);
      print_line(n, "", counter.c_str() + counter.rfind('.') + 1);
    }
  }
}

nlohmann::ordered_json funnel_json(std::span<const miner::FunnelStep> steps, const Funnel& funnel) {
  nlohmann::ordered_json out;
  for (const auto& step : steps) out[step.counter] = 0;
  for (const auto& [counter, n] : funnel) out[counter] = n;
  return out;
}

}  // namespace mendel::cli
