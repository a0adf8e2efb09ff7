// The reduce of the plant as an actor: from the proven pairs to what is encoded, and to the dataset.
#pragma once

#include <filesystem>
#include <memory>

#include "actors/runtime/actors.hpp"
#include "actors/runtime/dataset_build.hpp"
#include "storage/plant_store.hpp"

namespace mendel::runtime {

struct DatasetSetup {
  Config config;
  std::filesystem::path folder;
  std::shared_ptr<const storage::PlantStore> store;
};

struct dataset_state {
  static inline const char* name = "dataset";
  DatasetSetup setup;
  std::optional<Selection> selection;  // between reduce and finalise
  std::unique_ptr<encoder::Tokenizer> tokenizer;
};

// Spawn it detached.
dataset_actor::behavior_type run_dataset(dataset_actor::stateful_pointer<dataset_state> self, DatasetSetup setup);

}  // namespace mendel::runtime
