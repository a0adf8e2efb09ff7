// Keys of the configuration are found by the stage's name, so a new stage needs no line here.
#include "actors/runtime/stage_gate.hpp"

#include <google/protobuf/descriptor.h>

#include <algorithm>

#include "actors/runtime/stages.hpp"

namespace mendel::runtime {
namespace {

constexpr std::uint32_t kPriority = 50;  // of a stage that has no key

// What the key PREFIX_STAGE says; nothing if there is none.
const google::protobuf::FieldDescriptor* key_of(const Queue& queue, const char* prefix, const char* stage) {
  return queue.GetDescriptor()->FindFieldByName(std::string(prefix) + "_" + stage);
}

std::uint32_t priority_of(const Queue& queue, const char* stage) {
  const auto* field = key_of(queue, "priority", stage);
  return field == nullptr ? kPriority : queue.GetReflection()->GetUInt32(queue, field);
}

double rate_of(const Queue& queue, const char* stage) {
  const auto* field = key_of(queue, "rate", stage);
  return field == nullptr ? 0 : queue.GetReflection()->GetDouble(queue, field);
}

// Proofs are made of what every source stage gives.
bool feeds(Stage::Value from, Stage::Value to) {
  return to == Stage::validate && from != Stage::validate && from != Stage::encode && from != Stage::train;
}

}  // namespace

StageGate::StageGate(const Config& config)
    : depth_high_(config.queue().depth_high()), depth_low_(std::min<std::uint64_t>(config.queue().depth_low(), depth_high_)) {
  std::vector<std::pair<std::uint32_t, Stage::Value>> ranked;
  for (const auto& row : stages()) {
    ranked.emplace_back(priority_of(config.queue(), row.name), row.stage);
    if (const double rate = rate_of(config.queue(), row.name); rate > 0) ration(row.stage, std::make_unique<TokenBucket>(rate));
  }
  std::reverse(ranked.begin(), ranked.end());
  std::stable_sort(ranked.begin(), ranked.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  for (const auto& [priority, stage] : ranked) order_.push_back(stage);
}

void StageGate::see_depth(Stage::Value stage, std::uint64_t waiting) {
  if (waiting >= depth_high_) full_.insert(stage);
  else if (waiting < depth_low_) full_.erase(stage);
}

std::uint32_t StageGate::take(Stage::Value stage, std::uint32_t wanted, Moment now) {
  const bool fed_full = std::any_of(full_.begin(), full_.end(), [&](auto to) { return feeds(stage, to); });
  const auto wait = wait_until_.find(stage);
  const auto budget = budgets_.find(stage);
  std::uint32_t taken = fed_full || (wait != wait_until_.end() && now < wait->second) ? 0 : wanted;
  if (taken > 0 && budget != budgets_.end()) taken = budget->second->take(taken, now);
  if (taken < wanted) paused_.insert(stage);
  else paused_.erase(stage);
  return taken;
}

void StageGate::give_back(Stage::Value stage, std::uint32_t unused) {
  if (const auto at = budgets_.find(stage); unused > 0 && at != budgets_.end()) at->second->give_back(unused);
}

void StageGate::pause(Stage::Value stage, Moment until) {
  auto& wait = wait_until_[stage];
  wait = std::max(wait, until);
}

}  // namespace mendel::runtime
