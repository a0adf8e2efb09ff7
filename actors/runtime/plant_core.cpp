// Leases, results and retries; the phases and the plan are in plant_plan.cpp.
#include "actors/runtime/plant_core.hpp"

#include <algorithm>

#include "actors/runtime/stages.hpp"
#include "proto/pair_json.hpp"

namespace mendel::runtime {
namespace {

constexpr Stage::Value kLatestFirst[] = {Stage::train, Stage::encode, Stage::validate, Stage::lint, Stage::mutate, Stage::mine_release, Stage::mine_git};
constexpr std::uint32_t kBackoffGrowthMax = 100;  // times runtime.backoff_ms

// Doubles with each failure; between half and all of it, by a hash, so that retries do not march in step.
Moment backoff(const ItemId& id, std::uint32_t failures, std::uint32_t base_ms) {
  const std::uint64_t doubled = failures > 7 ? kBackoffGrowthMax : std::min<std::uint64_t>(1ull << (failures - 1), kBackoffGrowthMax);
  const std::uint64_t full = base_ms * doubled;
  return Moment(static_cast<std::int64_t>(full / 2 + hash64(id.view(), failures) % (full / 2 + 1)));
}

// Empty if every pair carries the id that its content gives.
std::string wrong_pair(const WorkResult& result) {
  for (const auto& pair : result.pairs())
    if (pair_id(pair).hex() != pair.id()) return pair.id();
  return {};
}

}  // namespace

void PlantCore::move(Record& record, State to) {
  auto& counts = counts_[record.stage];
  const auto field = [&](State state) -> std::uint64_t& {
    switch (state) {
      case State::pending: return counts.pending;
      case State::done: return counts.done;
      case State::dead: return counts.dead;
      default: return counts.leased;
    }
  };
  --field(record.state);
  ++field(to);
  record.state = to;
}

void PlantCore::make_pending(const ItemId& id, Record& record, bool first) {
  move(record, State::pending);
  auto& queue = ready_[record.stage];
  if (first) queue.push_front(id);
  else queue.push_back(id);
}

std::vector<WorkItem> PlantCore::lease(std::string_view worker, std::span<const Stage::Value> wanted, std::uint32_t credit, Moment now) {
  std::vector<WorkItem> out;
  std::size_t bytes = 0;
  for (const auto stage : kLatestFirst) {
    if (std::find(wanted.begin(), wanted.end(), stage) == wanted.end()) continue;
    if (until_ == Until::collect && stage == Stage::validate) continue;
    auto& queue = ready_[stage];
    while (out.size() < credit && bytes < kLeaseBytesMax && !queue.empty()) {
      const auto id = queue.front();
      queue.pop_front();
      auto& record = items_.at(id);
      if (record.state != State::pending) continue;
      auto item = store_.planned(stage, id);
      if (!item) {
        bury(id, record, "the store does not hold this planned item any more", {});
        continue;
      }
      if (auto filled = fill_in(*item); !filled) {
        bury(id, record, filled.error().what, {});
        continue;
      }
      item->set_attempt(record.attempts + 1);
      leases_.grant(id, worker, now);
      move(record, State::leased);
      bytes += item->ByteSizeLong();
      out.push_back(std::move(*item));
    }
  }
  return out;
}

Outcome PlantCore::fill_in(WorkItem& item) const {
  if (item.stage() != Stage::validate && item.stage() != Stage::encode) return Done{};
  auto& batch = item.stage() == Stage::validate ? *item.mutable_validate() : *item.mutable_encode();
  std::vector<PairId> ids;
  for (const auto& hex : batch.pair_ids())
    if (const auto id = PairId::from_hex(hex)) ids.push_back(*id);
  auto pairs = store_.pairs(ids);
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    if (!pairs[i]) return Error{ErrorCode::corrupt, "pair " + ids[i].hex() + " is planned but not in the store"};
    *batch.add_pairs() = std::move(*pairs[i]);
  }
  return Done{};
}

std::vector<ItemId> PlantCore::renew(std::string_view worker, std::span<const ItemId> items, Moment now) {
  std::vector<ItemId> lost;
  for (const auto& id : items) {
    if (leases_.renew(id, worker, now)) continue;
    const auto at = items_.find(id);
    // What is being stored is no longer leased, yet nothing is lost.
    if (at == items_.end() || at->second.state == State::pending || at->second.state == State::leased || at->second.state == State::dead)
      lost.push_back(id);
  }
  return lost;
}

PlantCore::Taken PlantCore::take(std::string_view worker, WorkResult result, Moment now) {
  const auto id = ItemId::from_bytes(result.item_id());
  const auto at = id ? items_.find(*id) : items_.end();
  if (at == items_.end() || at->second.stage != result.stage()) return Taken::duplicate;
  auto& record = at->second;
  if (record.state == State::done || record.state == State::storing || record.state == State::dead) return Taken::duplicate;
  if (!result.error().empty()) return take_failure(*id, record, worker, result, now);
  if (const auto wrong = wrong_pair(result); !wrong.empty()) {
    result.set_error("a pair of the result does not match its id " + wrong);
    return take_failure(*id, record, worker, result, now);
  }
  std::sort(result.mutable_pairs()->begin(), result.mutable_pairs()->end(), [](const auto& a, const auto& b) { return a.id() < b.id(); });
  for (const auto& rejection : result.rejections())
    ++(*result.mutable_funnel())[std::string("rejected:") + stage_name(result.stage()) + ":" + rejection.reason()];
  leases_.forget(*id);
  move(record, State::storing);
  storing_.push_back(*id);
  if (result.pairs_size() > 0) {
    std::vector<PairId> pairs;
    for (const auto& pair : result.pairs()) pairs.push_back(*PairId::from_hex(pair.id()));
    for (auto& item : proofs_for(std::move(pairs))) pending_.next.push_back(std::move(item));
  }
  if (!result.report_json().empty()) pending_.meta["training.report:" + id->hex()] = result.report_json();
  pending_.results.push_back(std::move(result));
  return Taken::stored;
}

PlantCore::Taken PlantCore::take_failure(const ItemId& id, Record& record, std::string_view worker, const WorkResult& result, Moment now) {
  if (!leases_.release(id, worker)) return Taken::duplicate;
  ++record.attempts;
  if (result.permanent() || record.attempts >= config_.runtime().attempts_max()) bury(id, record, result.error(), result.stderr_tail());
  else retry_later(id, record, record.attempts, now);
  return Taken::failed;
}

void PlantCore::retry_later(const ItemId& id, Record& record, std::uint32_t failures, Moment now) {
  ++counts_[record.stage].retries;
  move(record, State::pending);
  delayed_.emplace(now + backoff(id, failures, config_.runtime().backoff_ms()), id);
}

void PlantCore::bury(const ItemId& id, Record& record, std::string error, std::string stderr_tail) {
  leases_.forget(id);
  move(record, State::dead);
  storage::DeadLetter letter;
  if (auto item = store_.planned(record.stage, id)) letter.item = std::move(*item);
  else letter.item.set_id(std::string(id.view()));
  letter.item.set_stage(record.stage);
  letter.error = std::move(error);
  letter.stderr_tail = std::move(stderr_tail);
  letter.attempts = record.attempts;
  letter.workers_lost = static_cast<std::uint32_t>(record.lost_workers.size());
  pending_.dead.push_back(std::move(letter));
}

void PlantCore::penalise(const ItemId& id, std::string_view worker, Moment now) {
  auto& record = items_.at(id);
  const auto mark = hash64(worker);
  auto& lost = record.lost_workers;
  if (std::find(lost.begin(), lost.end(), mark) == lost.end()) lost.push_back(mark);
  if (lost.size() >= config_.runtime().deaths_max())
    bury(id, record, std::to_string(lost.size()) + " workers were lost while they held this item", {});
  else
    retry_later(id, record, static_cast<std::uint32_t>(lost.size()), now);
}

void PlantCore::lose(std::string_view worker, Moment now) {
  for (const auto& id : leases_.take_back(worker)) penalise(id, worker, now);
}

void PlantCore::release(std::string_view worker) {
  for (const auto& id : leases_.take_back(worker)) make_pending(id, items_.at(id), true);
}

std::vector<std::string> PlantCore::tick(Moment now) {
  std::set<std::string> late;
  for (const auto& [id, worker] : leases_.expire(now)) {
    late.insert(worker);
    penalise(id, worker, now);
  }
  while (!delayed_.empty() && delayed_.begin()->first <= now) {
    const auto id = delayed_.begin()->second;
    delayed_.erase(delayed_.begin());
    if (auto& record = items_.at(id); record.state == State::pending) ready_[record.stage].push_back(id);
  }
  return {late.begin(), late.end()};
}

bool PlantCore::dirty() const { return !pending_.results.empty() || !pending_.dead.empty() || !pending_.next.empty() || !pending_.meta.empty(); }

void PlantCore::remember_result(const WorkResult& result) {
  for (const auto& [name, count] : result.funnel()) funnel_[name] += count;
  if (result.stage() == Stage::train) training_report_ = result.report_json();
}

Outcome PlantCore::flush(Moment) {
  if (dirty()) {
    auto written = store_.commit(pending_);
    if (!written) return written.error();
    for (const auto& id : storing_) move(items_.at(id), State::done);
    for (const auto& result : pending_.results) remember_result(result);
    std::vector<WorkItem> fresh;
    const auto planned = std::move(pending_.next);
    for (const auto& result : pending_.results) {
      if (result.stage() != Stage::validate) continue;
      for (const auto& proof : result.proofs())
        if (const auto id = PairId::from_hex(proof.verdict().pair_id())) proven_.push_back(*id);
    }
    for (const auto& item : planned) add_planned(item, fresh);
    storing_.clear();
    pending_ = {};
  }
  advance();
  return Done{};
}

const StageCounts& PlantCore::counts(Stage::Value stage) const {
  static const StageCounts kNone;
  const auto at = counts_.find(stage);
  return at == counts_.end() ? kNone : at->second;
}

std::uint64_t PlantCore::dead() const {
  std::uint64_t sum = 0;
  for (const auto& [stage, counts] : counts_) sum += counts.dead;
  return sum;
}

}  // namespace mendel::runtime
