// The pairs of one plan, as the reduce wants them: what other plans left in the same store stays out, so
// that the dataset follows from sources and configuration alone.
#pragma once

#include <span>

#include "actors/runtime/dataset_build.hpp"
#include "storage/plant_store.hpp"

namespace mendel::runtime {

// Store and ids must outlive it.
class PlanPairs final : public PairLibrary {
 public:
  PlanPairs(const storage::PlantStore& store, std::span<const PairId> ids) : store_(store), ids_(ids) {}

  Outcome each(const std::function<bool(const Pair&, const Proof&)>& visit) const override {
    for (const auto& id : ids_) {
      const auto pair = store_.pair(id);
      const auto proof = store_.proof(id);
      if (auto intact = store_.intact(); !intact) return intact;
      if (!pair || !proof) return Error{ErrorCode::corrupt, "pair " + id.hex() + " was proven, but the store does not hold it"};
      if (!visit(*pair, *proof)) break;
    }
    return Done{};
  }

  std::optional<Pair> pair(const PairId& id) const override { return store_.pair(id); }

 private:
  const storage::PlantStore& store_;
  std::span<const PairId> ids_;
};

}  // namespace mendel::runtime
