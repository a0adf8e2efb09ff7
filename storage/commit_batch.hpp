// One Commit as one WriteBatch: what is new, what was there already, what is refused.
#pragma once

#include <rocksdb/write_batch.h>

#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "storage/plant_store.hpp"
#include "storage/store_database.hpp"

namespace mendel::storage {

// Not thread-safe; reads the database, writes nothing. Keys are put in order, because the ids in them are
// hashes: inserted as they come, each one is a walk through the whole memtable.
class CommitBatch {
 public:
  explicit CommitBatch(const StoreDatabase& database) : database_(database) {}

  // invalid_input: the batch must then not be written.
  Outcome add(const Commit& commit);

  // All of it, to be written. Once, after the last `add`.
  rocksdb::WriteBatch& in_order();
  const CommitAnswer& answer() const { return answer_; }

 private:
  std::optional<WorkItem> planned_item(const std::string& key) const;
  Outcome add_planned(const WorkItem& item);
  Outcome add_result(const WorkResult& result);
  Outcome add_pairs(const WorkResult& result, DoneMark& mark);
  Outcome add_proofs(const WorkResult& result);
  Outcome add_rows(const WorkResult& result, const WorkItem* item);
  Outcome add_dead(const DeadLetter& letter);
  void put(Column column, std::string_view key, std::string_view payload);
  void put(Column column, std::string_view key, const google::protobuf::MessageLite& payload);
  void erase(Column column, std::string_view key);
  void begin(Column column, std::string_view key, bool erased);
  void seal_last();

  struct Entry {
    Column column;
    bool erased;
    std::size_t key, key_bytes, value, value_bytes;  // in bytes_
  };

  const StoreDatabase& database_;
  rocksdb::WriteBatch batch_;
  std::string bytes_;  // of all keys and values
  std::vector<Entry> entries_;
  CommitAnswer answer_;
  std::unordered_set<std::string> done_;  // keys of this commit
  std::unordered_map<std::string, const WorkItem*> planned_;  // owned by the Commit
};

}  // namespace mendel::storage
