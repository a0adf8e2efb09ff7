// Sorted by id first, so that "first" means "smallest id" from there on.
#include "actors/validator/reduce.hpp"

#include <algorithm>
#include <map>
#include <unordered_map>

#include "actors/validator/near_duplicates.hpp"
#include "actors/validator/splits.hpp"

namespace mendel::validator {
namespace {

constexpr const char* kSplitNames[] = {"train", "validation", "test"};

void reject(Decision& decision, const char* reason, std::string detail) {
  decision.accepted = false;
  decision.reason = reason;
  decision.detail = std::move(detail);
}

// Clean samples all make the same change, none: one of each cluster stays.
void reject_duplicates(const std::vector<Candidate>& candidates, std::vector<Decision>& decisions) {
  std::map<std::pair<PairId, std::uint64_t>, std::size_t> first;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const auto signature = candidates[i].has_bug ? candidates[i].edit_signature : 0;
    const auto [at, fresh] = first.try_emplace({decisions[i].cluster, signature}, i);
    if (!fresh) reject(decisions[i], "duplicate", "pair " + decisions[at->second].id.hex() + " makes the same change");
  }
}

void choose_splits(const std::vector<Candidate>& candidates, const ReduceOptions& options, std::vector<Decision>& decisions) {
  std::vector<SplitInput> inputs;
  std::vector<std::size_t> owners;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (!decisions[i].accepted) continue;
    inputs.push_back({candidates[i].group, candidates[i].path, decisions[i].cluster, candidates[i].stratum});
    owners.push_back(i);
  }
  const auto placements = place(inputs, options);
  for (std::size_t k = 0; k < owners.size(); ++k) {
    auto& decision = decisions[owners[k]];
    decision.split = placements[k].split;
    if (placements[k].leaks)
      reject(decision, "leak_across_splits", std::string("near-duplicates are in ") + kSplitNames[static_cast<std::size_t>(decision.split)]);
  }
}

}  // namespace

std::vector<Decision> reduce(std::vector<Candidate> candidates, const ReduceOptions& options) {
  std::sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) { return a.id < b.id; });
  candidates.erase(std::unique(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) { return a.id == b.id; }),
                   candidates.end());
  const std::vector<std::string_view> signatures = [&] {
    std::vector<std::string_view> out;
    for (const auto& candidate : candidates) out.push_back(candidate.minhash);
    return out;
  }();
  const auto clusters = near_duplicates(signatures, options.threshold);
  std::vector<Decision> decisions(candidates.size());
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    decisions[i].id = candidates[i].id;
    decisions[i].cluster = candidates[clusters[i]].id;
  }
  reject_duplicates(candidates, decisions);
  choose_splits(candidates, options, decisions);
  return decisions;
}

}  // namespace mendel::validator
