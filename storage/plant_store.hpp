// Everything a plant knows, in one RocksDB: planned work, done-marks, pairs, proofs, rows, rejections,
// dead letters. One writer; data, done-mark and the next items go into one synced batch.
//
// On the data's way: the coordinator is the only owner; nodes never see it. Key layout: README.md.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "proto/ids.hpp"
#include "proto/result.hpp"
#include "proto/work.pb.h"

namespace mendel::storage {

// What a finished item left behind; the plan's done-marks together say which pairs belong to a run.
struct DoneMark {
  std::vector<PairId> pairs;  // produced by mine, mutate, lint; looked at by validate, encode
  std::map<std::string, std::uint64_t> funnel;
};

struct DeadLetter {
  WorkItem item;
  std::string error;
  std::string stderr_tail;
  std::uint32_t attempts = 0;
  std::uint32_t workers_lost = 0;
};

// One atomic, synced step: either all of it is on disk when `commit` answers, or none.
struct Commit {
  std::vector<WorkResult> results;  // done: data and done-mark are stored
  std::vector<WorkItem> next;  // planned unless known already
  std::vector<DeadLetter> dead;
  std::vector<ItemId> requeue;  // dead letters that become pending again
  std::map<std::string, std::string> meta;  // small named values, overwritten
};

struct CommitAnswer {
  std::uint64_t stored = 0;  // results that were new
  std::uint64_t duplicates = 0;  // results of items that were done already: dropped
  std::uint64_t planned = 0;  // items that were new
};

enum class OpenMode { read_write, read_only };

// Thread-safe for reads; `commit` is for one thread. A read-only store may be opened beside a writer
// and sees the state of its opening. All iterations are ascending by key.
class PlantStore {
 public:
  // busy names the process that holds it; corrupt names the file and what to do; a store of another
  // format version is refused with both versions named.
  static Result<std::unique_ptr<PlantStore>> open(const std::filesystem::path& folder, OpenMode mode);
  virtual ~PlantStore() = default;

  // Rises by one with every read_write open; fences results of workers from an earlier life.
  virtual std::uint64_t epoch() const = 0;

  // io_error (no space, failed sync): nothing of the batch counts as stored, later commits are refused
  // until the store is opened again, because a failed sync must not be retried.
  // invalid_input (an id that is none, a failed result, rows of an item that was never planned): nothing
  // was written, the store goes on.
  virtual Result<CommitAnswer> commit(const Commit& commit) = 0;

  virtual bool is_done(Stage::Value stage, const ItemId& item) const = 0;
  virtual std::optional<DoneMark> done(Stage::Value stage, const ItemId& item) const = 0;
  // Planned items that are neither done nor dead. `visit` answers false to stop.
  virtual Outcome each_pending(const std::function<bool(const WorkItem&)>& visit) const = 0;
  virtual Outcome each_planned(Stage::Value stage, const std::function<bool(const WorkItem&)>& visit) const = 0;
  // One item as it was planned; nothing if it never was.
  virtual std::optional<WorkItem> planned(Stage::Value stage, const ItemId& item) const = 0;
  virtual Outcome each_done(Stage::Value stage, const std::function<bool(const ItemId&, const DoneMark&)>& visit) const = 0;

  virtual std::optional<Pair> pair(const PairId& id) const = 0;
  virtual std::vector<std::optional<Pair>> pairs(std::span<const PairId> ids) const = 0;
  virtual std::optional<Proof> proof(const PairId& id) const = 0;
  // Rows are stored per vocabulary: the same pair encoded by another vocabulary is another row.
  virtual std::optional<Row> row(std::string_view tokenizer_hash, const PairId& id) const = 0;
  virtual Outcome each_rejection(const std::function<bool(const Rejection&)>& visit) const = 0;
  virtual Outcome each_dead(const std::function<bool(const DeadLetter&)>& visit) const = 0;

  virtual std::optional<std::string> meta(std::string_view name) const = 0;
  virtual std::uint64_t bytes_on_disk() const = 0;

  // Damage that a read met. Single reads answer nothing for a damaged value; from then on this names
  // the first one (corrupt), and commits are refused, so that nothing is built on it.
  virtual Outcome intact() const = 0;
  // Writes that were acked and are gone because the end of the log was cut after the store had been
  // closed; what is left is the state before them, and their items are pending again. 0: none.
  virtual std::uint64_t lost_writes() const = 0;
  // Reads every value and checks it against its checksum: minutes on a large store.
  virtual Outcome verify() const = 0;
};

// Id of an item: hash of stage, stage version and the input (pairs that ride along left out).
ItemId item_id(const WorkItem& item, std::uint32_t stage_version);

}  // namespace mendel::storage
