// How a funnel is told: from the widest step to the narrowest, then why the rest was left out. The one owner of that
// text and of its JSON, for all kinds of mining.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <span>
#include <string>

#include "actors/miner/mining_funnel.hpp"

namespace mendel::cli {

using Funnel = std::map<std::string, std::uint64_t>;

// Counters that tell reasons: those that hold `part`, under a title of their own, each by its last word.
struct FunnelReasons {
  const char* part;
  const char* title;
};

// Steps that nothing counted are 0. Shares are of the step before.
void print_funnel(std::span<const miner::FunnelStep> steps, const Funnel& funnel, std::span<const FunnelReasons> reasons);

// All steps in their order, then every other counter.
nlohmann::ordered_json funnel_json(std::span<const miner::FunnelStep> steps, const Funnel& funnel);

}  // namespace mendel::cli
