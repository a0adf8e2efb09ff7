// A PlantStore in memory that outlives the plants on it: what a commit took is there after a crash, what
// was not committed is gone.
#pragma once

#include <map>

#include "storage/plant_store.hpp"

namespace mendel::runtime::samples {

class FakeStore : public storage::PlantStore {
 public:
  bool full = false;  // the disk is

  void restart() { ++epoch_; }

  std::uint64_t epoch() const override { return epoch_; }

  Result<storage::CommitAnswer> commit(const storage::Commit& commit) override {
    if (full) return Error{ErrorCode::io_error, "no space left on device"};
    storage::CommitAnswer answer;
    for (const auto& result : commit.results) {
      const auto id = *ItemId::from_bytes(result.item_id());
      if (done_.contains({result.stage(), id})) {
        ++answer.duplicates;
        continue;
      }
      add_mark(result, id);
      add_data(result, id);
    }
    for (const auto& item : commit.next)
      answer.planned += planned_.emplace(std::pair(item.stage(), *ItemId::from_bytes(item.id())), bare(item)).second;
    for (const auto& letter : commit.dead) dead_[*ItemId::from_bytes(letter.item.id())] = letter;
    for (const auto& id : commit.requeue) dead_.erase(id);
    for (const auto& [name, value] : commit.meta) meta_[name] = value;
    answer.stored = commit.results.size() - answer.duplicates;
    return answer;
  }

  bool is_done(Stage::Value stage, const ItemId& item) const override { return done_.contains({stage, item}); }
  std::optional<storage::DoneMark> done(Stage::Value stage, const ItemId& item) const override { return find(done_, {stage, item}); }
  std::optional<WorkItem> planned(Stage::Value stage, const ItemId& item) const override { return find(planned_, {stage, item}); }
  std::optional<Pair> pair(const PairId& id) const override { return find(pairs_, id); }
  std::optional<Proof> proof(const PairId& id) const override { return find(proofs_, id); }
  std::optional<Row> row(std::string_view hash, const PairId& id) const override { return find(rows_, {std::string(hash), id}); }
  std::optional<std::string> meta(std::string_view name) const override { return find(meta_, std::string(name)); }

  std::vector<std::optional<Pair>> pairs(std::span<const PairId> ids) const override {
    std::vector<std::optional<Pair>> out;
    for (const auto& id : ids) out.push_back(pair(id));
    return out;
  }
  Outcome each_dead(const std::function<bool(const storage::DeadLetter&)>& visit) const override {
    for (const auto& [id, letter] : dead_)
      if (!visit(letter)) break;
    return Done{};
  }
  Outcome each_pending(const std::function<bool(const WorkItem&)>&) const override { return Done{}; }
  Outcome each_planned(Stage::Value, const std::function<bool(const WorkItem&)>&) const override { return Done{}; }
  Outcome each_done(Stage::Value, const std::function<bool(const ItemId&, const storage::DoneMark&)>&) const override { return Done{}; }
  Outcome each_rejection(const std::function<bool(const Rejection&)>&) const override { return Done{}; }
  std::uint64_t bytes_on_disk() const override { return 0; }
  Outcome intact() const override { return Done{}; }
  std::uint64_t lost_writes() const override { return 0; }
  Outcome verify() const override { return Done{}; }

 protected:
  void add_mark(const WorkResult& result, const ItemId& id) {
    storage::DoneMark mark;
    mark.funnel.insert(result.funnel().begin(), result.funnel().end());
    for (const auto& pair : result.pairs()) mark.pairs.push_back(*PairId::from_hex(pair.id()));
    for (const auto& proof : result.proofs()) mark.pairs.push_back(*PairId::from_hex(proof.verdict().pair_id()));
    done_[{result.stage(), id}] = mark;
  }

  void add_data(const WorkResult& result, const ItemId& id) {
    for (const auto& pair : result.pairs()) pairs_[*PairId::from_hex(pair.id())] = pair;
    for (const auto& proof : result.proofs()) proofs_[*PairId::from_hex(proof.verdict().pair_id())] = proof;
    const auto item = planned(result.stage(), id);
    for (const auto& row : result.rows()) rows_[{item ? item->encode().tokenizer() : "", *PairId::from_hex(row.id())}] = row;
  }

 private:
  using Key = std::pair<Stage::Value, ItemId>;

  template <class Map>
  static std::optional<typename Map::mapped_type> find(const Map& map, const typename Map::key_type& key) {
    const auto at = map.find(key);
    return at == map.end() ? std::nullopt : std::optional(at->second);
  }

  static WorkItem bare(WorkItem item) {
    for (auto* batch : {item.has_validate() ? item.mutable_validate() : nullptr, item.has_encode() ? item.mutable_encode() : nullptr})
      if (batch != nullptr) batch->clear_pairs();
    return item;
  }

  std::uint64_t epoch_ = 1;
  std::map<Key, WorkItem> planned_;
  std::map<Key, storage::DoneMark> done_;
  std::map<PairId, Pair> pairs_;
  std::map<PairId, Proof> proofs_;
  std::map<std::pair<std::string, PairId>, Row> rows_;
  std::map<ItemId, storage::DeadLetter> dead_;
  std::map<std::string, std::string> meta_;
};

}  // namespace mendel::runtime::samples
