// Every step walks the pairs in ascending order of their ids, so nothing depends on how they arrived.
#include "actors/runtime/dataset_build.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <unordered_set>

#include "actors/encoder/encoder_stage.hpp"
#include "actors/validator/benchmark_index.hpp"
#include "actors/validator/difficulty.hpp"
#include "actors/validator/validator_stage.hpp"
#include "proto/pair_json.hpp"
#include "storage/dataset.hpp"

namespace mendel::runtime {
namespace {

namespace fs = std::filesystem;

constexpr const char* kTokenizerFiles[] = {"tokenizer.json", "vocab.json", "merges.txt", "token_frequencies.json"};

validator::Stratum stratum_of(SourceKind::Value kind) {
  if (kind == SourceKind::release) return validator::Stratum::released;
  const bool mined = kind == SourceKind::git || kind == SourceKind::github || kind == SourceKind::stackoverflow;
  return mined ? validator::Stratum::mined : validator::Stratum::made;
}

validator::Candidate candidate_of(const Pair& pair, const Proof& proof, const PairId& id) {
  const auto& source = pair.source();
  validator::Candidate out;
  out.id = id;
  out.minhash = proof.minhash();
  out.edit_signature = proof.edit_signature();
  out.group = !source.fork_root().empty() ? source.fork_root() : !source.repository().empty() ? source.repository() : source.path();
  out.path = source.path();
  out.bug_class = name_of(pair.bug().class_());
  out.bug_type = pair.bug().type();
  out.has_bug = pair.bug().class_() != BugClass::none;
  out.stratum = stratum_of(source.kind());
  return out;
}

// The stage that turned the pair away names the reason.
std::string reason_of(const Verdict& verdict) {
  for (const auto& stage : verdict.stages())
    if (stage.result() == StageResult::fail) return stage.reason();
  return "not_accepted";
}

std::string hash_of(const std::vector<validator::Decision>& decisions) {
  ContentId link;
  for (const auto& decision : decisions) {
    ContentHash hash;
    hash.add(link.view()).add(decision.id.view()).add(decision.cluster.view()).add(std::uint64_t{decision.accepted});
    link = hash.add(decision.reason).add(static_cast<std::uint64_t>(decision.split)).finish();
  }
  return link.hex();
}

validator::DifficultyInput difficulty_input(const Row& row) {
  validator::DifficultyInput out;
  out.bug_class = row.bug_class();
  out.bug_type = row.bug_type();
  out.rows = row.rows_buggy();
  out.has_bug = row.has_bug();
  for (std::size_t at = 0; at + 1 < row.buggy_grid().size(); at += 2) {
    std::int16_t id;
    std::memcpy(&id, row.buggy_grid().data() + at, sizeof id);
    out.cells += id != encoder::kPad && id != encoder::kContinuation;
  }
  for (const auto& edit : row.edits()) {
    out.edit_deleted += edit.end() - edit.first();
    out.edit_inserted += static_cast<std::uint32_t>(edit.tokens_size());
  }
  return out;
}

// The scores of all rows of all splits together: a level means the same difficulty in every split.
struct Graded {
  std::vector<const validator::Decision*> decisions;  // accepted and encoded, ascending by id
  std::vector<double> scores;
  std::vector<std::uint32_t> levels;
};

Graded grade(const Build& build) {
  Graded out;
  for (const auto& decision : build.selection->decisions) {
    if (!decision.accepted) continue;
    const auto row = build.row_of(decision.id);
    if (!row) continue;
    out.decisions.push_back(&decision);
    out.scores.push_back(validator::difficulty(difficulty_input(*row)));
  }
  out.levels = validator::levels(out.scores);
  return out;
}

Outcome add_rows(const Build& build, const Graded& graded, storage::DatasetWriter& writer) {
  for (std::size_t i = 0; i < graded.decisions.size(); ++i) {
    const auto& decision = *graded.decisions[i];
    auto row = build.row_of(decision.id);
    const auto proof = build.proof_of(decision.id);
    if (!row || !proof) return Error{ErrorCode::corrupt, "pair " + decision.id.hex() + ": its row or its proof is gone"};
    row->set_cluster(decision.cluster.hex());
    row->set_quality(proof->verdict().quality());
    row->set_difficulty(graded.scores[i]);
    row->set_level(graded.levels[i]);
    if (auto added = writer.add(static_cast<storage::SplitName>(decision.split), *row); !added) return added;
  }
  return Done{};
}

using NamedContents = std::vector<std::pair<std::string, std::string>>;

// The files that `save` writes, as contents.
Result<NamedContents> tokenizer_files(const encoder::Tokenizer& tokenizer, const fs::path& scratch) {
  std::error_code error;
  fs::remove_all(scratch, error);
  if (auto saved = tokenizer.save(scratch); !saved) return saved.error();
  NamedContents out;
  for (const char* name : kTokenizerFiles) {
    std::ifstream file(scratch / name, std::ios::binary);
    if (!file) return Error{ErrorCode::io_error, (scratch / name).string() + ": cannot be read"};
    out.emplace_back(name, std::string(std::istreambuf_iterator<char>(file), {}));
  }
  fs::remove_all(scratch, error);
  return out;
}

// What decides the content: not where sources lie, how many threads work, or where metrics go.
Config deciding(const Config& config) {
  Config out;
  out.set_seed(config.seed());
  *out.mutable_mine() = config.mine();
  *out.mutable_stackoverflow() = config.stackoverflow();
  for (const auto clear : {&Stackoverflow::clear_memory_mib, &Stackoverflow::clear_spill_gib_max, &Stackoverflow::clear_scratch}) (out.mutable_stackoverflow()->*clear)();
  *out.mutable_clean() = config.clean();
  out.mutable_clean()->clear_decontaminate();
  *out.mutable_mutate() = config.mutate();
  *out.mutable_lint() = config.lint();
  *out.mutable_validate() = config.validate();
  *out.mutable_tokenizer() = config.tokenizer();
  *out.mutable_dataset() = config.dataset();
  out.mutable_dataset()->clear_memory_mib();
  out.mutable_dataset()->clear_pairs_per_item();
  out.mutable_validate()->clear_pairs_per_item();
  if (config.sandbox().plant()) {
    *out.mutable_sandbox() = config.sandbox();
    out.mutable_sandbox()->clear_program();
    out.mutable_sandbox()->clear_interpreter();
  }
  for (const auto clear : {&Mine::clear_commits_per_item, &Mine::clear_clones, &Mine::clear_clone_timeout_ms, &Mine::clear_clone_mib_max, &Mine::clear_releases, &Mine::clear_index_timeout_ms})
    (out.mutable_mine()->*clear)();
  for (const auto clear : {&Lint::clear_files_per_item, &Lint::clear_ruff, &Lint::clear_python, &Lint::clear_timeout_ms}) (out.mutable_lint()->*clear)();
  return out;
}

storage::ManifestFacts facts_of(const Build& build, const Config& config) {
  storage::ManifestFacts facts;
  facts.configuration_json = to_json(deciding(config));
  facts.configuration_hash = dataset_config_hash(config);
  facts.tool_versions = build.tool_versions;
  facts.tool_versions["validator"] = std::to_string(validator::ValidatorStage::kVersion);
  facts.tool_versions["encoder"] = std::to_string(encoder::EncoderStage::kVersion);
  facts.rejected_by_reason = build.selection->rejected_by_reason;
  for (const auto& [reason, count] : build.encoder_rejections) facts.rejected_by_reason[reason] += count;
  facts.funnel = build.funnel;
  facts.tokenizer_hash = build.tokenizer->hash();
  facts.vocabulary = build.tokenizer->size();
  return facts;
}

}  // namespace

Result<Selection> select_pairs(const PairLibrary& library, const Config& config) {
  Selection out;
  std::vector<validator::Candidate> candidates;
  std::unordered_set<PairId> seen;
  const auto benchmarks = validator::BenchmarkIndex::read({config.clean().decontaminate().begin(), config.clean().decontaminate().end()},
                                                          config.clean().contamination_threshold());
  if (!benchmarks) return benchmarks.error();
  bool valid_ids = true;
  auto read = library.each([&](const Pair& pair, const Proof& proof) {
    const auto id = PairId::from_hex(pair.id());
    valid_ids = id.has_value();
    if (!valid_ids) return false;
    if (!seen.insert(*id).second) return true;
    if (!proof.verdict().accepted())
      ++out.rejected_by_reason[reason_of(proof.verdict())];
    else if (!benchmarks->resembled(proof.minhash()).empty() || !benchmarks->resembled_by(pair.buggy()).empty())
      ++out.rejected_by_reason["contaminated"];
    else
      candidates.push_back(candidate_of(pair, proof, *id));
    return true;
  });
  if (!read) return read.error();
  if (!valid_ids) return Error{ErrorCode::invalid_input, "a pair has no valid id"};
  validator::ReduceOptions options;
  options.threshold = config.validate().near_duplicate_threshold();
  options.validation_share = config.dataset().validation_share();
  options.test_share = config.dataset().test_share();
  options.seed = config.seed();
  out.decisions = validator::reduce(std::move(candidates), options);
  for (const auto& decision : out.decisions)
    if (!decision.accepted) ++out.rejected_by_reason[decision.reason];
  out.hash = hash_of(out.decisions);
  return out;
}

Result<encoder::Tokenizer> learn_vocabulary(const PairLibrary& library, const Selection& selection, const Config& config) {
  std::vector<std::string> texts;
  for (const auto& decision : selection.decisions) {
    if (!decision.accepted || decision.split != validator::Split::train) continue;
    auto pair = library.pair(decision.id);
    if (!pair) return Error{ErrorCode::corrupt, "pair " + decision.id.hex() + " is gone"};
    texts.push_back(std::move(*pair->mutable_fixed()));
  }
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  encoder::TrainOptions options;
  options.vocabulary = config.tokenizer().vocabulary();
  options.min_frequency = config.tokenizer().min_frequency();
  return encoder::Tokenizer::train(views, options);
}

Result<std::string> write_dataset(const Build& build, const Config& config) {
  assert(build.selection && build.tokenizer && build.row_of && build.proof_of);
  storage::DatasetOptions options;
  options.seed = config.seed();
  options.rows_per_shard = config.dataset().rows_per_shard();
  options.memory_mib = config.dataset().memory_mib();
  options.compression_level = static_cast<int>(config.dataset().compression_level());
  auto writer = storage::DatasetWriter::create(build.folder, options);
  if (!writer) return writer.error();
  if (auto added = add_rows(build, grade(build), **writer); !added) return added.error();
  const auto files = tokenizer_files(*build.tokenizer, build.folder.string() + ".tokenizer-" + std::to_string(getpid()));
  if (!files) return files.error();
  return (*writer)->finish(facts_of(build, config), *files);
}

std::string dataset_config_hash(const Config& config) {
  return ContentHash().add(to_json(deciding(config))).finish().hex();
}

}  // namespace mendel::runtime
