// The plant's plan: which work exists, who holds it, what is done, what comes next.
//
// On the data's way: the coordinator asks this for items and gives it results. Pure: no threads, no
// clock, no network; the store is its only partner. The same calls give the same state, so the
// simulation in tests/runtime drives it with drops, duplicates, reorderings and crashes.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "actors/runtime/queue.hpp"
#include "actors/runtime/stage_gate.hpp"
#include "proto/config.pb.h"
#include "proto/ids.hpp"
#include "proto/result.hpp"
#include "proto/wire.pb.h"
#include "proto/work.pb.h"
#include "storage/plant_store.hpp"

namespace mendel::runtime {

enum class Until { collect, validate, dataset, train };
Result<Until> until_from(std::string_view name);

enum class Phase { collect, reduce, encode, finalise, train, done };
const char* name_of(Phase phase);

// Work between the phases that the owner runs outside, because it blocks.
enum class Job { none, reduce, finalise };

struct StageCounts {
  std::uint64_t pending = 0, leased = 0, done = 0, dead = 0, retries = 0;
  std::uint64_t open() const { return pending + leased; }
};

// What a reduce decided: which pairs are encoded, with which vocabulary.
struct Reduced {
  std::vector<PairId> accepted;  // ascending
  std::string tokenizer_hash;
  std::string new_merges;  // to be kept as vocabulary:HASH; empty: it is kept already
};

// Where the training item reads and writes.
struct Folders {
  std::string dataset, runs;
};

// Not thread-safe. Items lie in the store; here is only what must be looked up often (about 150 bytes
// an item). Every change of the store goes through one pending commit that `flush` writes.
class PlantCore {
 public:
  // Without a `queue`: the embedded one.
  PlantCore(Config config, Until until, Folders folders, storage::PlantStore& store, std::shared_ptr<ItemQueue> queue = nullptr);

  // Reads what an earlier life left: dead letters, whose proofs are in the store. Call once, first.
  Outcome recover();
  // Adds sources to the plan of this run (their ids are set here) and writes what is new. Results of
  // an earlier run count at once; their proofs are planned where they are missing.
  Outcome plan(std::vector<WorkItem> sources);
  // No more sources will come; input that was not planned is kept with its reason.
  Outcome planning_finished(const std::vector<Rejection>& rejections);

  // Up to `credit` items of `stages` for `worker`, in the order and number that the gate allows, inputs
  // filled in, together not over about kLeaseBytesMax (one item may be).
  std::vector<WorkItem> lease(std::string_view worker, std::span<const Stage::Value> stages, std::uint32_t credit, Moment now);
  // Answers the ids that `worker` no longer holds.
  std::vector<ItemId> renew(std::string_view worker, std::span<const ItemId> items, Moment now);

  // stored: durable only after the next flush. A result of an item that the store holds and this run did not
  // plan yet (it has just been restarted) is stored too, and counts once the item is planned.
  enum class Taken { stored, duplicate, failed };
  Taken take(std::string_view worker, WorkResult result, Moment now);

  // The worker is gone: a death counts on all that it held.
  void lose(std::string_view worker, Moment now);
  // The worker gave its items back in good order.
  void release(std::string_view worker);
  // Expired leases and retries whose time has come. Answers the workers that let a lease expire.
  std::vector<std::string> tick(Moment now);

  // Writes everything taken since the last flush as one synced step. An error is final: nothing of the
  // batch counts, the plant must stop. Do not call it while the disk has no room: it can wait.
  Outcome flush(Moment now);
  bool dirty() const;

  // Answers each job once; its end is told by `reduced` or, also where the dataset was there already, by
  // `finalised`.
  Job next_job();
  // Ascending, without repeats: pairs that the plan's finished proofs looked at.
  std::vector<PairId> proven_pairs() const;
  Outcome reduced(Reduced reduced);
  Outcome finalised(std::string_view input_hash, std::string_view digest);

  // Dead letters become work again; all if `ids` is empty. Answers how many.
  Result<std::uint64_t> requeue(std::span<const ItemId> ids);

  Phase phase() const { return phase_; }
  const StageCounts& counts(Stage::Value stage) const;
  std::uint64_t leases() const { return queue_->held(); }
  std::uint64_t leased_by(std::string_view worker) const { return queue_->held_by(worker); }
  Moment oldest_lease(Moment now) const { return queue_->oldest_lease(now); }
  std::uint64_t dead() const;
  const std::map<std::string, std::uint64_t>& funnel() const { return funnel_; }
  const std::string& digest() const { return digest_; }
  const std::string& training_report() const { return training_report_; }
  const Config& config() const { return config_; }
  StageGate& gate() { return gate_; }
  const StageGate& gate() const { return gate_; }
  const std::string& tokenizer_hash() const { return tokenizer_hash_; }

  static constexpr std::size_t kLeaseBytesMax = 700'000;

 private:
  enum class State : std::uint8_t { pending, leased, storing, done, dead };
  struct Record {
    Stage::Value stage = Stage::unspecified;
    State state = State::pending;
    std::uint32_t attempts = 0;  // failed ones
    std::vector<std::uint64_t> lost_workers;
  };

  Outcome recover_proofs();
  void add_planned(const WorkItem& item, std::vector<WorkItem>& fresh);
  void count_done(const ItemId& id, Stage::Value stage, const storage::DoneMark& mark, std::vector<WorkItem>& fresh);
  std::vector<WorkItem> proofs_for(std::vector<PairId> pairs) const;
  std::optional<WorkItem> take_ready(Stage::Value stage, std::string_view worker, Moment now);
  Outcome fill_in(WorkItem& item) const;
  Outcome write_taken();
  Taken take_early(const ItemId& id, WorkResult result);
  Taken take_failure(const ItemId& id, Record& record, std::string_view worker, const WorkResult& result, Moment now);
  void penalise(const ItemId& id, std::string_view worker, Moment now);
  void bury(const ItemId& id, Record& record, std::string error, std::string stderr_tail);
  void retry_later(const ItemId& id, Record& record, std::uint32_t failures, Moment now);
  void make_pending(const ItemId& id, Record& record, bool first);
  void move(Record& record, State to);
  void advance();
  std::uint64_t open(std::span<const Stage::Value> of) const;
  Outcome plan_training();
  void remember_result(const WorkResult& result);

  Config config_;
  Until until_;
  Folders folders_;
  storage::PlantStore& store_;
  std::shared_ptr<ItemQueue> queue_;
  StageGate gate_;
  Phase phase_ = Phase::collect;
  bool planning_finished_ = false;
  Job running_ = Job::none;
  std::unordered_map<ItemId, Record> items_;
  std::map<Stage::Value, StageCounts> counts_;
  std::map<Stage::Value, std::uint32_t> versions_;
  std::set<ItemId> buried_before_;
  std::vector<PairId> proven_;
  std::map<std::string, std::uint64_t> funnel_;
  storage::Commit pending_;
  std::vector<ItemId> storing_;
  std::set<ItemId> early_;  // of pending_.results: not in items_ yet
  std::string tokenizer_hash_, digest_, training_report_;
};

}  // namespace mendel::runtime
