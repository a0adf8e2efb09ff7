// Orders of the coordinator, carried out by dataset_build.
#include "actors/runtime/dataset_actor.hpp"

#include <malloc.h>

#include "actors/encoder/encoder_stage.hpp"
#include "actors/runtime/plan_pairs.hpp"
#include "actors/validator/validator_stage.hpp"
#include "storage/dataset_manifest.hpp"

namespace mendel::runtime {
namespace {

// Everything that the dataset follows from.
std::string hash_of_input(const DatasetOrder& order, const Config& config) {
  ContentHash hash;
  hash.add(dataset_config_hash(config)).add(validator::ValidatorStage::kVersion).add(encoder::EncoderStage::kVersion);
  ContentId link = hash.finish();
  for (const auto& id : order.pairs) link = ContentHash().add(link.view()).add(id.view()).finish();
  return link.hex();
}

// The digest of the dataset on disk, if it was made of just this input and is still there.
std::optional<std::string> finished_before(const DatasetSetup& setup, const std::string& input) {
  if (setup.store->meta("dataset.input") != input) return std::nullopt;
  const auto manifest = storage::Manifest::read(setup.folder);
  if (!manifest || setup.store->meta("dataset.digest") != manifest->digest) return std::nullopt;
  return manifest->digest;
}

Outcome reduce(dataset_state& state, const DatasetOrder& order, DatasetAnswer& answer) {
  const auto& setup = state.setup;
  answer.input_hash = hash_of_input(order, setup.config);
  if (auto digest = finished_before(setup, answer.input_hash)) {
    answer.digest = *digest;
    return Done{};
  }
  const PlanPairs library(*setup.store, order.pairs);
  auto selection = select_pairs(library, setup.config);
  if (!selection) return selection.error();
  state.selection = std::move(*selection);
  auto tokenizer = learn_vocabulary(library, *state.selection, setup.config);
  if (!tokenizer) return tokenizer.error();
  state.tokenizer = std::make_unique<encoder::Tokenizer>(std::move(*tokenizer));
  Reduced reduced;
  for (const auto& decision : state.selection->decisions)
    if (decision.accepted) reduced.accepted.push_back(decision.id);
  if (reduced.accepted.empty()) return Error{ErrorCode::invalid_input, "no pair was accepted, so there is nothing to make a dataset of; name more sources (sources.python, sources.git)"};
  reduced.tokenizer_hash = state.tokenizer->hash();
  if (!setup.store->meta("vocabulary:" + reduced.tokenizer_hash)) reduced.new_merges = state.tokenizer->merges();
  answer.reduced = std::move(reduced);
  return Done{};
}

Outcome finalise(dataset_state& state, const DatasetOrder& order, DatasetAnswer& answer) {
  const auto& store = *state.setup.store;
  answer.input_hash = hash_of_input(order, state.setup.config);
  Build build;
  build.folder = state.setup.folder;
  build.selection = &*state.selection;
  build.tokenizer = state.tokenizer.get();
  const auto hash = state.tokenizer->hash();
  build.row_of = [&](const PairId& id) { return store.row(hash, id); };
  build.proof_of = [&](const PairId& id) { return store.proof(id); };
  constexpr std::string_view kRejected = "rejected:encode:";
  for (const auto& [name, count] : order.funnel)
    (name.starts_with(kRejected) ? build.encoder_rejections[name.substr(kRejected.size())] : build.funnel[name]) += count;
  auto digest = write_dataset(build, state.setup.config);
  if (!digest) return digest.error();
  answer.digest = *digest;
  return store.intact();
}

// A reduce holds every signature and text for a moment; glibc would keep that memory for the rest of the process.
void return_freed_memory() {
#ifdef __GLIBC__
  ::malloc_trim(0);
#endif
}

DatasetAnswerPtr carry_out(dataset_state& state, const DatasetOrder& order) {
  auto answer = std::make_shared<DatasetAnswer>();
  try {
    const auto outcome = order.job == Job::reduce ? reduce(state, order, *answer) : finalise(state, order, *answer);
    if (!outcome) answer->failure = outcome.error();
  } catch (const std::exception& thrown) {
    answer->failure = Error{ErrorCode::io_error, std::string("making the dataset: ") + thrown.what()};
  }
  return_freed_memory();
  return answer;
}

}  // namespace

dataset_actor::behavior_type run_dataset(dataset_actor::stateful_pointer<dataset_state> self, DatasetSetup setup) {
  self->state.setup = std::move(setup);
  return {
      [self](const DatasetOrderPtr& order) -> caf::result<DatasetAnswerPtr> { return carry_out(self->state, *order); },
      [self](quit_atom) { self->quit(); },
  };
}

}  // namespace mendel::runtime
