// A plant core over a real store in a folder that goes away, with sources that cost nothing.
#pragma once

#include "actors/runtime/plant_core.hpp"
#include "actors/runtime/stages.hpp"
#include "tests/storage/samples.hpp"

namespace mendel::runtime::samples {

using storage::samples::Folder;
using storage::samples::pair_of;

inline Config small_config() {
  Config config;
  config.mutable_validate()->set_pairs_per_item(3);
  config.mutable_dataset()->set_pairs_per_item(4);
  config.mutable_runtime()->set_lease_ms(1000);
  config.mutable_runtime()->set_backoff_ms(100);
  config.mutable_runtime()->set_attempts_max(3);
  config.mutable_runtime()->set_deaths_max(2);
  return config;
}

// A file to mutate; `n` decides what it gives.
inline WorkItem source(int n) {
  auto item = storage::samples::mutate_item(n);
  item.clear_id();
  return item;
}

inline std::vector<WorkItem> sources(int count) {
  std::vector<WorkItem> out;
  for (int n = 0; n < count; ++n) out.push_back(source(n));
  return out;
}

// What a worker answers; pure in the item. Files give 1 to 3 pairs, some of them the same ones.
inline WorkResult work(const WorkItem& item) {
  WorkResult result;
  result.set_item_id(item.id());
  result.set_stage(item.stage());
  if (item.has_mutate()) {
    const int n = std::stoi(item.mutate().files(0).path().substr(4));
    for (int k = 0; k <= n % 3; ++k) *result.add_pairs() = pair_of(n * 2 + k);
    (*result.mutable_funnel())["mutate.pairs"] = static_cast<std::uint64_t>(n % 3 + 1);
  }
  for (const auto& pair : item.validate().pairs()) {
    auto& verdict = *result.add_proofs()->mutable_verdict();
    verdict.set_pair_id(pair.id());
    verdict.set_accepted(true);
  }
  for (const auto& pair : item.encode().pairs()) {
    auto& row = *result.add_rows();
    row.set_id(pair.id());
    row.set_buggy_grid(pair.buggy());
  }
  return result;
}

// Everything of a dataset that a plant decides: which pairs, in which rows, in ascending order.
inline std::string digest_of(const storage::PlantStore& store, const std::string& vocabulary, std::span<const PairId> ids) {
  ContentHash hash;
  for (const auto& id : ids) {
    const auto row = store.row(vocabulary, id);
    hash.add(id.view()).add(row ? row->SerializeAsString() : std::string("no row"));
  }
  return hash.finish<>().hex();
}

// Runs the job that is due, as the dataset actor does, but keeping every pair. False if none is due.
inline bool run_job(PlantCore& plant, const storage::PlantStore& store) {
  const auto job = plant.next_job();
  if (job == Job::none) return false;
  const auto ids = plant.proven_pairs();
  if (job == Job::reduce) {
    const auto reduced = plant.reduced({ids, "vocabulary-1", "merges"});
    return static_cast<bool>(reduced);
  }
  return static_cast<bool>(plant.finalised("input", digest_of(store, "vocabulary-1", ids)));
}

}  // namespace mendel::runtime::samples
