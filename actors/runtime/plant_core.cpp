// Leases, results and retries; the phases and the plan are in plant_plan.cpp.
#include "actors/runtime/plant_core.hpp"

#include <algorithm>

#include "actors/runtime/stages.hpp"
#include "proto/pair_json.hpp"

namespace mendel::runtime {
namespace {

constexpr std::size_t kTestedBytesMax = 48u << 20;  // of pairs with tests in one item: an envelope holds 64 MiB

constexpr Stage::Value kLatestFirst[] = {Stage::train, Stage::encode, Stage::validate, Stage::lint, Stage::mutate, Stage::mine_stackoverflow,
                                         Stage::mine_release, Stage::mine_git, Stage::mine_github};

// Doubles with each failure up to the limit; between half and all of it, by a hash of the item, the seed and
// the failure, so that retries do not march in step and a replay makes the same choice.
Moment backoff(const ItemId& id, std::uint32_t failures, const Config& config) {
  const std::uint64_t doubled = std::uint64_t{config.runtime().backoff_ms()} << std::min(failures - 1, 30u);
  const std::uint64_t full = std::min<std::uint64_t>(doubled, config.queue().backoff_max_ms());
  return Moment(static_cast<std::int64_t>(full / 2 + hash64(id.view(), hash64("backoff", config.seed()) + failures) % (full / 2 + 1)));
}

// Empty if every pair carries the id that its content gives.
std::string wrong_pair(const WorkResult& result) {
  for (const auto& pair : result.pairs())
    if (pair_id(pair).hex() != pair.id()) return pair.id();
  return {};
}

// In an order, and with counters, that do not depend on who worked.
void tidy(WorkResult& result) {
  std::sort(result.mutable_pairs()->begin(), result.mutable_pairs()->end(), [](const auto& a, const auto& b) { return a.id() < b.id(); });
  for (const auto& rejection : result.rejections())
    ++(*result.mutable_funnel())[std::string("rejected:") + stage_name(result.stage()) + ":" + rejection.reason()];
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
  queue_->put_back(record.stage, id, first);
}

std::vector<WorkItem> PlantCore::lease(std::string_view worker, std::span<const Stage::Value> wanted, std::uint32_t credit, Moment now) {
  std::vector<WorkItem> out;
  std::size_t bytes = 0;
  for (const auto& [stage, counts] : counts_)
    if (until_ != Until::collect) gate_.see_depth(stage, counts.pending);
  for (const auto stage : gate_.order()) {
    if (std::find(wanted.begin(), wanted.end(), stage) == wanted.end()) continue;
    if (until_ == Until::collect && stage == Stage::validate) continue;
    const auto room = credit - static_cast<std::uint32_t>(out.size());
    if (room == 0 || bytes >= kLeaseBytesMax) break;
    if (counts_[stage].pending == 0) continue;
    auto allowed = gate_.take(stage, room, now);
    for (; allowed > 0 && bytes < kLeaseBytesMax; --allowed) {
      auto item = take_ready(stage, worker, now);
      if (!item) break;
      bytes += item->ByteSizeLong();
      out.push_back(std::move(*item));
    }
    gate_.give_back(stage, allowed);
  }
  return out;
}

// The next pending item of the stage with its input, leased; what cannot be had is buried on the way, what is
// done or of no plan of ours leaves the queue.
std::optional<WorkItem> PlantCore::take_ready(Stage::Value stage, std::string_view worker, Moment now) {
  while (const auto id = queue_->take(stage, worker, now)) {
    const auto at = items_.find(*id);
    if (at == items_.end() || at->second.state != State::pending) {
      queue_->withhold(*id);
      if (at == items_.end() || at->second.state == State::done || at->second.state == State::dead) queue_->done(*id);
      continue;
    }
    auto item = store_.planned(stage, *id);
    if (!item) {
      bury(*id, at->second, "the store does not hold this planned item any more", {});
      continue;
    }
    if (auto filled = fill_in(*item); !filled) {
      bury(*id, at->second, filled.error().what, {});
      continue;
    }
    item->set_attempt(at->second.attempts + 1);
    move(at->second, State::leased);
    return item;
  }
  return std::nullopt;
}

// Tests that nobody runs stay where they are, but for their number. Of those that are run no more travel than a message can
// hold: pairs over that, in the order of their ids, are judged without theirs.
Outcome PlantCore::fill_in(WorkItem& item) const {
  if (item.stage() != Stage::validate && item.stage() != Stage::encode) return Done{};
  auto& batch = item.stage() == Stage::validate ? *item.mutable_validate() : *item.mutable_encode();
  std::vector<PairId> ids;
  for (const auto& hex : batch.pair_ids())
    if (const auto id = PairId::from_hex(hex)) ids.push_back(*id);
  auto pairs = store_.pairs(ids);
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    if (!pairs[i]) return Error{ErrorCode::corrupt, "pair " + ids[i].hex() + " is planned but not in the store"};
    auto& pair = *batch.add_pairs();
    pair = std::move(*pairs[i]);
    if (pair.tests_size() == 0) continue;
    if (item.stage() == Stage::validate && config_.sandbox().plant()) {
      bytes += pair.ByteSizeLong();
      if (bytes > kTestedBytesMax) pair.clear_tests();
      continue;
    }
    for (auto& test : *pair.mutable_tests()) {
      test.clear_code();
      test.clear_project();
    }
  }
  return Done{};
}

std::vector<ItemId> PlantCore::renew(std::string_view worker, std::span<const ItemId> items, Moment now) {
  std::vector<ItemId> lost;
  for (const auto& id : items) {
    if (queue_->renew(id, worker, now)) continue;
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
  if (id && at == items_.end()) return take_early(*id, std::move(result));
  if (at == items_.end() || at->second.stage != result.stage()) return Taken::duplicate;
  auto& record = at->second;
  if (record.state == State::done || record.state == State::storing || record.state == State::dead) return Taken::duplicate;
  if (!result.error().empty()) return take_failure(*id, record, worker, result, now);
  if (const auto wrong = wrong_pair(result); !wrong.empty()) {
    result.set_error("a pair of the result does not match its id " + wrong);
    return take_failure(*id, record, worker, result, now);
  }
  tidy(result);
  queue_->withhold(*id);
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

PlantCore::Taken PlantCore::take_early(const ItemId& id, WorkResult result) {
  const bool wanted = result.error().empty() && wrong_pair(result).empty() && !early_.contains(id) && store_.planned(result.stage(), id) &&
                      !store_.is_done(result.stage(), id);
  if (!wanted) return Taken::duplicate;
  tidy(result);
  early_.insert(id);
  pending_.results.push_back(std::move(result));
  return Taken::stored;
}

PlantCore::Taken PlantCore::take_failure(const ItemId& id, Record& record, std::string_view worker, const WorkResult& result, Moment now) {
  if (!queue_->release(id, worker)) return Taken::duplicate;
  if (result.retry_after_ms() > 0 && !result.permanent()) {
    gate_.pause(record.stage, now + Moment(result.retry_after_ms()));
    make_pending(id, record, true);
    return Taken::failed;
  }
  ++record.attempts;
  if (result.permanent() || record.attempts >= config_.runtime().attempts_max()) bury(id, record, result.error(), result.stderr_tail());
  else retry_later(id, record, record.attempts, now);
  return Taken::failed;
}

void PlantCore::retry_later(const ItemId& id, Record& record, std::uint32_t failures, Moment now) {
  ++counts_[record.stage].retries;
  move(record, State::pending);
  queue_->retry(record.stage, id, now + backoff(id, failures, config_));
}

void PlantCore::bury(const ItemId& id, Record& record, std::string error, std::string stderr_tail) {
  queue_->done(id);
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
  for (const auto& id : queue_->take_back(worker)) penalise(id, worker, now);
}

void PlantCore::release(std::string_view worker) {
  for (const auto& id : queue_->take_back(worker)) make_pending(id, items_.at(id), true);
}

std::vector<std::string> PlantCore::tick(Moment now) {
  std::set<std::string> late;
  for (const auto& [id, worker] : queue_->expire(now)) {
    late.insert(worker);
    penalise(id, worker, now);
  }
  static_cast<void>(queue_->settle());  // what its backend does not take now it takes later
  return {late.begin(), late.end()};
}

bool PlantCore::dirty() const { return !pending_.results.empty() || !pending_.dead.empty() || !pending_.next.empty() || !pending_.meta.empty(); }

void PlantCore::remember_result(const WorkResult& result) {
  for (const auto& [name, count] : result.funnel()) funnel_[name] += count;
  if (result.stage() == Stage::train) training_report_ = result.report_json();
  if (result.stage() != Stage::validate) return;
  for (const auto& proof : result.proofs())
    if (const auto id = PairId::from_hex(proof.verdict().pair_id())) proven_.push_back(*id);
}

Outcome PlantCore::flush(Moment) {
  if (auto written = write_taken(); !written) return written;
  advance();
  return Done{};
}

Outcome PlantCore::write_taken() {
  if (!dirty()) return Done{};
  auto written = store_.commit(pending_);
  if (!written) return written.error();
  for (const auto& id : storing_) {
    move(items_.at(id), State::done);
    queue_->done(id);
  }
  for (const auto& result : pending_.results)
    if (!early_.contains(*ItemId::from_bytes(result.item_id()))) remember_result(result);
  std::vector<WorkItem> fresh;
  const auto planned = std::move(pending_.next);
  for (const auto& item : planned) add_planned(item, fresh);
  storing_.clear();
  early_.clear();
  pending_ = {};
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
