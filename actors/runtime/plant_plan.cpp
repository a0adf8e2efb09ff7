// The plan of a run: sources in, proofs of their pairs, then encoding and training, phase by phase.
#include <algorithm>

#include "actors/runtime/plant_core.hpp"
#include "actors/runtime/stages.hpp"

namespace mendel::runtime {
namespace {

constexpr Stage::Value kSources[] = {Stage::mine_git, Stage::mine_github, Stage::mine_release, Stage::mine_stackoverflow, Stage::mutate, Stage::lint};
constexpr Stage::Value kCollecting[] = {Stage::mine_git, Stage::mine_github, Stage::mine_release, Stage::mine_stackoverflow, Stage::mutate, Stage::lint, Stage::validate};
constexpr Stage::Value kEncoding[] = {Stage::encode};
constexpr Stage::Value kTraining[] = {Stage::train};

void sort_unique(std::vector<PairId>& ids) {
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
}

// Batches of at most `size` in ascending order; `fill` puts one batch into an item.
template <class Fill>
std::vector<WorkItem> batches(const std::vector<PairId>& ids, std::uint32_t size, std::uint32_t version, Fill fill) {
  std::vector<WorkItem> out;
  for (std::size_t first = 0; first < ids.size(); first += size) {
    WorkItem item;
    PairBatch& batch = fill(item);
    for (std::size_t i = first; i < std::min<std::size_t>(first + size, ids.size()); ++i) batch.add_pair_ids(ids[i].hex());
    item.set_id(std::string(storage::item_id(item, version).view()));
    out.push_back(std::move(item));
  }
  return out;
}

}  // namespace

Result<Until> until_from(std::string_view name) {
  if (name == "collect") return Until::collect;
  if (name == "validate") return Until::validate;
  if (name == "dataset") return Until::dataset;
  if (name == "train") return Until::train;
  return Error{ErrorCode::invalid_input, "unknown stage \"" + std::string(name) + "\"; known: collect, validate, dataset, train"};
}

const char* name_of(Phase phase) {
  constexpr const char* kNames[] = {"collect", "reduce", "encode", "finalise", "train", "done"};
  return kNames[static_cast<int>(phase)];
}

PlantCore::PlantCore(Config config, Until until, Folders folders, storage::PlantStore& store, std::shared_ptr<ItemQueue> queue)
    : config_(std::move(config)),
      until_(until),
      folders_(std::move(folders)),
      store_(store),
      queue_(queue ? std::move(queue) : make_embedded_queue(Moment(config_.runtime().lease_ms()))),
      gate_(config_) {
  for (const auto& row : stages()) versions_[row.stage] = stage_version(row.stage, config_);
}

// The store keeps one proof a pair. If other settings judged last, those proofs are not ours, even where an
// earlier run of ours is marked done: a new generation makes all proofs new work.
Outcome PlantCore::recover_proofs() {
  const auto version = std::to_string(versions_.at(Stage::validate));
  auto generation = store_.meta("proofs.generation").value_or("0");
  if (store_.meta("proofs.version") != version) {
    generation = std::to_string(std::strtoull(generation.c_str(), nullptr, 10) + 1);
    storage::Commit commit;
    commit.meta = {{"proofs.version", version}, {"proofs.generation", generation}};
    if (auto written = store_.commit(commit); !written) return written.error();
  }
  versions_[Stage::validate] = static_cast<std::uint32_t>(hash64(generation, versions_.at(Stage::validate)));
  return Done{};
}

Outcome PlantCore::recover() {
  if (auto recovered = recover_proofs(); !recovered) return recovered;
  return store_.each_dead([&](const storage::DeadLetter& letter) {
    if (const auto id = ItemId::from_bytes(letter.item.id())) buried_before_.insert(*id);
    return true;
  });
}

std::vector<WorkItem> PlantCore::proofs_for(std::vector<PairId> pairs) const {
  sort_unique(pairs);
  return batches(pairs, config_.validate().pairs_per_item(), versions_.at(Stage::validate), [](WorkItem& item) -> PairBatch& {
    item.set_stage(Stage::validate);
    return *item.mutable_validate();
  });
}

// Puts one planned item into the tables. What an earlier run finished counts at once, and what follows
// from it is added to `fresh` if the store may not hold it yet (its settings changed).
void PlantCore::add_planned(const WorkItem& item, std::vector<WorkItem>& fresh) {
  const auto id = *ItemId::from_bytes(item.id());
  const auto [at, added] = items_.try_emplace(id, Record{item.stage(), State::pending, 0, {}});
  if (!added) return;
  ++counts_[item.stage()].pending;
  if (const auto mark = store_.done(item.stage(), id)) {
    move(at->second, State::done);
    count_done(id, item.stage(), *mark, fresh);
  } else if (buried_before_.contains(id)) {
    move(at->second, State::dead);
  } else {
    queue_->put(item.stage(), id);
  }
}

void PlantCore::count_done(const ItemId& id, Stage::Value stage, const storage::DoneMark& mark, std::vector<WorkItem>& fresh) {
  for (const auto& [name, count] : mark.funnel) funnel_[name] += count;
  if (stage == Stage::train) training_report_ = store_.meta("training.report:" + id.hex()).value_or("");
  if (stage == Stage::validate) proven_.insert(proven_.end(), mark.pairs.begin(), mark.pairs.end());
  if (std::find(std::begin(kSources), std::end(kSources), stage) == std::end(kSources)) return;
  for (auto& next : proofs_for(mark.pairs)) fresh.push_back(std::move(next));
}

Outcome PlantCore::plan(std::vector<WorkItem> sources) {
  if (auto written = write_taken(); !written) return written;  // what came early counts as done
  storage::Commit commit;
  for (auto& item : sources) {
    item.set_id(std::string(storage::item_id(item, versions_.at(item.stage())).view()));
    if (!store_.is_done(item.stage(), *ItemId::from_bytes(item.id()))) commit.next.push_back(item);
  }
  if (items_.size() + sources.size() > config_.runtime().plan_items_max())
    return Error{ErrorCode::too_large, "the plan holds more than runtime.plan_items_max = " +
                                           std::to_string(config_.runtime().plan_items_max()) + " items; raise it or name fewer sources"};
  if (!commit.next.empty())
    if (auto written = store_.commit(commit); !written) return written.error();
  std::vector<WorkItem> fresh;
  for (const auto& item : sources) add_planned(item, fresh);
  storage::Commit proofs;
  for (const auto& item : fresh)
    if (!store_.is_done(Stage::validate, *ItemId::from_bytes(item.id()))) proofs.next.push_back(item);
  if (!proofs.next.empty())
    if (auto written = store_.commit(proofs); !written) return written.error();
  std::vector<WorkItem> none;
  for (const auto& item : fresh) add_planned(item, none);
  return Done{};
}

Outcome PlantCore::planning_finished(const std::vector<Rejection>& rejections) {
  planning_finished_ = true;
  if (!rejections.empty()) {
    ContentHash hash;
    WorkResult result;
    for (const auto& rejection : rejections) {
      hash.add(rejection.subject()).add(rejection.reason());
      *result.add_rejections() = rejection;
      ++funnel_["rejected:source:" + rejection.reason()];
    }
    const auto id = hash.finish<ItemId>();
    result.set_item_id(std::string(id.view()));
    storage::Commit commit;
    commit.results.push_back(std::move(result));
    if (auto written = store_.commit(commit); !written) return written.error();
  }
  advance();
  return Done{};
}

std::uint64_t PlantCore::open(std::span<const Stage::Value> of) const {
  std::uint64_t sum = 0;
  for (const auto stage : of) sum += counts(stage).open();
  return sum;
}

void PlantCore::advance() {
  if (!planning_finished_ || running_ != Job::none) return;
  if (phase_ != Phase::done && phase_ != Phase::collect && open(kCollecting) > 0) phase_ = Phase::collect;
  if (phase_ == Phase::collect && until_ == Until::collect && open(kSources) == 0) phase_ = Phase::done;
  if (phase_ == Phase::collect && open(kCollecting) == 0 && until_ != Until::collect)
    phase_ = until_ == Until::validate ? Phase::done : Phase::reduce;
  if (phase_ == Phase::encode && open(kEncoding) == 0) phase_ = Phase::finalise;
  if (phase_ == Phase::train && open(kTraining) == 0) phase_ = Phase::done;
}

Job PlantCore::next_job() {
  if (running_ != Job::none) return Job::none;
  running_ = phase_ == Phase::reduce ? Job::reduce : phase_ == Phase::finalise ? Job::finalise : Job::none;
  return running_;
}

std::vector<PairId> PlantCore::proven_pairs() const {
  auto out = proven_;
  sort_unique(out);
  return out;
}

Outcome PlantCore::reduced(Reduced reduced) {
  if (auto written = write_taken(); !written) return written;
  running_ = Job::none;
  tokenizer_hash_ = reduced.tokenizer_hash;
  storage::Commit commit;
  if (!reduced.new_merges.empty()) commit.meta["vocabulary:" + reduced.tokenizer_hash] = std::move(reduced.new_merges);
  auto planned = batches(reduced.accepted, config_.dataset().pairs_per_item(), versions_.at(Stage::encode), [&](WorkItem& item) -> PairBatch& {
    item.set_stage(Stage::encode);
    item.mutable_encode()->set_tokenizer(reduced.tokenizer_hash);
    return *item.mutable_encode();
  });
  commit.next = planned;
  if (auto written = store_.commit(commit); !written) return written.error();
  std::vector<WorkItem> none;
  for (const auto& item : planned) add_planned(item, none);
  phase_ = Phase::encode;
  advance();
  return Done{};
}

Outcome PlantCore::finalised(std::string_view input_hash, std::string_view digest) {
  running_ = Job::none;
  digest_ = digest;
  storage::Commit commit;
  commit.meta["dataset.input"] = std::string(input_hash);
  commit.meta["dataset.digest"] = digest_;
  if (auto written = store_.commit(commit); !written) return written.error();
  if (until_ != Until::train) {
    phase_ = Phase::done;
    return Done{};
  }
  phase_ = Phase::train;
  if (auto planned = plan_training(); !planned) return planned.error();
  advance();
  return Done{};
}

Outcome PlantCore::plan_training() {
  WorkItem item;
  item.set_stage(Stage::train);
  auto& run = *item.mutable_train();
  run.set_dataset(folders_.dataset);
  run.set_dataset_digest(digest_);
  run.set_model(config_.train().model());
  char version[9];
  std::snprintf(version, sizeof version, "%08x", versions_.at(Stage::train));
  run.set_run(folders_.runs + "/" + run.model() + "-" + digest_.substr(0, 8) + "-" + version);
  item.set_id(std::string(storage::item_id(item, versions_.at(Stage::train)).view()));
  storage::Commit commit;
  commit.next.push_back(item);
  if (auto written = store_.commit(commit); !written) return written.error();
  std::vector<WorkItem> none;
  add_planned(item, none);
  return Done{};
}

Result<std::uint64_t> PlantCore::requeue(std::span<const ItemId> ids) {
  storage::Commit commit;
  if (ids.empty()) {
    if (auto seen = store_.each_dead([&](const storage::DeadLetter& letter) {
          if (const auto id = ItemId::from_bytes(letter.item.id())) commit.requeue.push_back(*id);
          return true;
        }); !seen)
      return seen.error();
  } else {
    commit.requeue.assign(ids.begin(), ids.end());
  }
  if (auto written = store_.commit(commit); !written) return written.error();
  std::uint64_t count = 0;
  for (const auto& id : commit.requeue) {
    buried_before_.erase(id);
    const auto at = items_.find(id);
    if (at == items_.end() || at->second.state != State::dead) continue;
    at->second.attempts = 0;
    at->second.lost_workers.clear();
    move(at->second, State::pending);
    queue_->put(at->second.stage, id);
    ++count;
  }
  if (phase_ == Phase::done && count > 0) phase_ = Phase::collect;
  advance();
  return count;
}

}  // namespace mendel::runtime
