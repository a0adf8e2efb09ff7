// The proven pairs of a store, as the reduce wants them.
#pragma once

#include "actors/runtime/dataset_build.hpp"
#include "storage/plant_store.hpp"

namespace mendel::runtime {

// Pairs that the done-marks of the validate stage name, in the order of the items. The store must
// outlive it.
class StorePairs final : public PairLibrary {
 public:
  explicit StorePairs(const storage::PlantStore& store) : store_(store) {}

  Outcome each(const std::function<bool(const Pair&, const Proof&)>& visit) const override {
    auto read = store_.each_done(Stage::validate, [&](const ItemId&, const storage::DoneMark& mark) {
      for (const auto& id : mark.pairs) {
        const auto pair = store_.pair(id);
        const auto proof = store_.proof(id);
        if (pair && proof && !visit(*pair, *proof)) return false;
      }
      return true;
    });
    if (!read) return read;
    return store_.intact();
  }

  std::optional<Pair> pair(const PairId& id) const override { return store_.pair(id); }

 private:
  const storage::PlantStore& store_;
};

}  // namespace mendel::runtime
