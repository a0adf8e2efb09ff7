// Lines → batches proved in parallel → scratch store → selection, vocabulary, rows → dataset.
#include "actors/cli/dataset_building.hpp"

#include <unistd.h>

#include <cstdio>
#include <iterator>
#include <mutex>
#include <nlohmann/json.hpp>

#include "actors/cleaner/cleaning.hpp"
#include "actors/cli/pair_lines.hpp"
#include "actors/encoder/encoder_stage.hpp"
#include "actors/runtime/store_pairs.hpp"
#include "actors/validator/validator_stage.hpp"
#include "proto/pair_json.hpp"
#include "storage/plant_store.hpp"

namespace mendel::cli {
namespace {

namespace fs = std::filesystem;
using validator::ValidatorStage;

constexpr std::uint32_t kBatchesPerJob = 4;  // read before the next round of proofs

// Stages are costly to start (helper processes), so threads hand them on.
class StagePool {
 public:
  explicit StagePool(const Config& config) : config_(config) {}

  Result<WorkResult> run(const WorkItem& item) {
    std::unique_ptr<ValidatorStage> stage;
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        stage = std::move(idle_.back());
        idle_.pop_back();
      }
    }
    if (!stage) {
      auto started = ValidatorStage::start(config_);
      if (!started) return started.error();
      stage = std::move(*started);
    }
    auto result = stage->run(item);
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(stage));
    return result;
  }

 private:
  const Config& config_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<ValidatorStage>> idle_;
};

class Builder {
 public:
  Builder(const Context& context, const BuildOptions& options, storage::PlantStore& store)
      : context_(context), options_(options), store_(store), stages_(context.config), progress_(context, "proving", 0, "pairs") {}

  Result<std::string> run() {
    std::optional<Result<encoder::Tokenizer>> given;  // read before anything is proved: a wrong folder costs no minutes
    if (!options_.tokenizer.empty())
      if (given = encoder::Tokenizer::load(options_.tokenizer); !*given) return given->error();
    if (auto read = read_pairs(); !read) return read.error();
    progress_.finish();
    const runtime::StorePairs library(store_);
    auto selection = runtime::select_pairs(library, context_.config);
    if (!selection) return selection.error();
    if (bad_lines_ > 0) selection->rejected_by_reason["invalid_line"] += bad_lines_;
    for (const auto& [reason, count] : turned_away_) selection->rejected_by_reason[reason] += count;
    auto learned = given ? std::move(*given) : runtime::learn_vocabulary(library, *selection, context_.config);
    if (!learned) return learned.error();
    const auto tokenizer = std::make_shared<const encoder::Tokenizer>(std::move(*learned));
    if (auto encoded = encode(*selection, tokenizer); !encoded) return encoded.error();
    return write(*selection, *tokenizer);
  }

  std::uint64_t bad_lines() const { return bad_lines_; }

 private:
  Outcome read_pairs() {
    const std::size_t round = std::size_t{context_.config.validate().pairs_per_item()} * options_.jobs * kBatchesPerJob;
    auto read = each_pair_batch(options_.pairs, round, bad_lines_, [this](std::vector<Pair>& pairs) {
      clean(pairs);
      for (auto& pair : pairs) set_pair_id(pair);  // ids are hashes of content; another id would make the order of lines matter
      return prove(pairs);
    });
    if (read && bad_lines_ > kBadLinesNamedMax) warn(std::to_string(bad_lines_ - kBadLinesNamedMax) + " more bad lines");
    return read;
  }

  // As the plant does before it stores them.
  void clean(std::vector<Pair>& pairs) {
    WorkResult result;
    for (auto& pair : pairs) *result.add_pairs() = std::move(pair);
    cleaner::clean_result(result, context_.config.clean());
    pairs.assign(std::make_move_iterator(result.mutable_pairs()->begin()), std::make_move_iterator(result.mutable_pairs()->end()));
    for (const auto& rejection : result.rejections()) ++turned_away_[rejection.reason()];
    for (const auto& [name, count] : result.funnel()) funnel_[name] += count;
  }

  Outcome prove(const std::vector<Pair>& pairs) {
    const std::size_t per_item = context_.config.validate().pairs_per_item();
    storage::Commit commit;
    Outcome outcome = Done{};
    in_order<Result<WorkResult>>(
        (pairs.size() + per_item - 1) / per_item, options_.jobs,
        [&](std::uint64_t batch) { return prove_batch(pairs, batch * per_item, std::min(pairs.size(), (batch + 1) * per_item)); },
        [&](std::uint64_t, Result<WorkResult> result) {
          if (!result && outcome) outcome = result.error();
          if (!result) return;
          progress_.add(static_cast<std::uint64_t>(result->pairs_size()));
          commit.results.push_back(std::move(*result));
        });
    if (!outcome) return outcome;
    if (interrupted()) return Error{ErrorCode::interrupted, "interrupted"};
    const auto stored = store_.commit(commit);
    if (!stored) return stored.error();
    return Done{};
  }

  Result<WorkResult> prove_batch(const std::vector<Pair>& pairs, std::size_t first, std::size_t end) {
    WorkItem item;
    item.set_stage(Stage::validate);
    item.set_attempt(1);
    for (std::size_t i = first; i < end; ++i) {
      item.mutable_validate()->add_pair_ids(pairs[i].id());
      *item.mutable_validate()->add_pairs() = pairs[i];
    }
    item.set_id(std::string(storage::item_id(item, ValidatorStage::kVersion).view()));
    auto result = stages_.run(item);
    if (!result) return result;
    if (!result->error().empty()) return Error{ErrorCode::unavailable, result->error()};
    *result->mutable_pairs() = item.validate().pairs();  // what the store then knows them by
    return result;
  }

  Outcome encode(const runtime::Selection& selection, const std::shared_ptr<const encoder::Tokenizer>& tokenizer) {
    auto stage = encoder::EncoderStage::start(context_.config, tokenizer);
    if (!stage) return stage.error();
    std::vector<PairId> ids;
    for (const auto& decision : selection.decisions)
      if (decision.accepted) ids.push_back(decision.id);
    const std::size_t per_item = context_.config.dataset().pairs_per_item();
    const std::string hash = tokenizer->hash();
    Outcome outcome = Done{};
    in_order<Result<storage::Commit>>(
        (ids.size() + per_item - 1) / per_item, options_.jobs,
        [&](std::uint64_t batch) {
          const auto first = batch * per_item;
          return encode_batch(**stage, hash, std::span(ids).subspan(first, std::min(per_item, ids.size() - first)));
        },
        [&](std::uint64_t, Result<storage::Commit> commit) {
          if (!outcome) return;
          if (!commit) { outcome = commit.error(); return; }
          for (const auto& rejection : commit->results[0].rejections()) ++encoder_rejections_[rejection.reason()];
          for (const auto& [name, count] : commit->results[0].funnel()) funnel_[name] += count;
          if (auto stored = store_.commit(*commit); !stored) outcome = stored.error();
        });
    if (outcome && interrupted()) return Error{ErrorCode::interrupted, "interrupted"};
    return outcome;
  }

  Result<storage::Commit> encode_batch(encoder::EncoderStage& stage, const std::string& hash, std::span<const PairId> ids) const {
    WorkItem item;
    item.set_stage(Stage::encode);
    item.mutable_encode()->set_tokenizer(hash);
    for (const auto& id : ids) {
      const auto pair = store_.pair(id);
      if (!pair) return Error{ErrorCode::corrupt, "pair " + id.hex() + " is gone from the scratch store"};
      item.mutable_encode()->add_pair_ids(id.hex());
      *item.mutable_encode()->add_pairs() = *pair;
    }
    item.set_id(std::string(storage::item_id(item, encoder::EncoderStage::kVersion).view()));
    auto result = stage.run(item);
    if (!result) return result.error();
    storage::Commit commit;
    commit.results.push_back(std::move(*result));
    commit.next.push_back(std::move(item));
    return commit;
  }

  Result<std::string> write(const runtime::Selection& selection, const encoder::Tokenizer& tokenizer) {
    const std::string hash = tokenizer.hash();
    runtime::Build build;
    build.folder = options_.out;
    build.selection = &selection;
    build.tokenizer = &tokenizer;
    build.row_of = [this, hash](const PairId& id) { return store_.row(hash, id); };
    build.proof_of = [this](const PairId& id) { return store_.proof(id); };
    build.encoder_rejections = encoder_rejections_;
    build.funnel = funnel_;
    build.tool_versions["mendel"] = MENDEL_VERSION;
    return runtime::write_dataset(build, context_.config);
  }

  const Context& context_;
  const BuildOptions& options_;
  storage::PlantStore& store_;
  StagePool stages_;
  Progress progress_;
  std::uint64_t bad_lines_ = 0;
  std::map<std::string, std::uint64_t> encoder_rejections_, turned_away_, funnel_;
};

// Removes the scratch store however the command ends.
struct Scratch {
  fs::path folder;
  explicit Scratch(const std::string& out) : folder(out + ".scratch-" + std::to_string(getpid())) {}
  ~Scratch() {
    std::error_code error;
    fs::remove_all(folder, error);
  }
};

}  // namespace

int build_dataset(const Context& context, const BuildOptions& given) {
  BuildOptions options = given;
  while (options.out.size() > 1 && options.out.ends_with('/')) options.out.pop_back();
  const Scratch scratch(options.out);
  auto store = storage::PlantStore::open(scratch.folder, storage::OpenMode::read_write);
  if (!store) return fail(store.error());
  Builder builder(context, options, **store);
  const auto digest = builder.run();
  store->reset();
  if (!digest) return fail(digest.error());
  if (context.json)
    std::printf("%s\n", nlohmann::ordered_json{{"out", options.out}, {"digest", *digest}, {"invalid_lines", builder.bad_lines()}}.dump().c_str());
  else
    std::printf("%s: digest %s\n", options.out.c_str(), digest->c_str());
  return builder.bad_lines() > 0 ? kLeftovers : kDone;
}

}  // namespace mendel::cli
