// Keys that this batch has put already are remembered, because RocksDB does not show them before it is
// written.
#include "storage/commit_batch.hpp"

#include <algorithm>
#include <limits>
#include <tuple>

#include "storage/store_keys.hpp"
#include "storage/store_records.hpp"

namespace mendel::storage {
namespace {

Error wrong(std::string what) { return {ErrorCode::invalid_input, std::move(what)}; }

Result<ItemId> id_of(std::string_view bytes) {
  const auto id = ItemId::from_bytes(bytes);
  if (!id) return wrong("an item id has " + std::to_string(bytes.size()) + " bytes instead of 16");
  return *id;
}

Result<PairId> pair_id_of(std::string_view hex) {
  const auto id = PairId::from_hex(hex);
  if (!id) return wrong("\"" + std::string(hex.substr(0, 40)) + "\" is no pair id");
  return *id;
}

// The pairs that a validate or encode item was about; null for the other stages.
const PairBatch* input_pairs(const WorkItem& item) {
  if (item.has_validate()) return &item.validate();
  if (item.has_encode()) return &item.encode();
  return nullptr;
}

}  // namespace

void CommitBatch::begin(Column column, std::string_view key, bool erased) {
  entries_.push_back({column, erased, bytes_.size(), key.size(), bytes_.size() + key.size(), 0});
  bytes_.append(key);
}

// The value was just appended, with room for its seal in front.
void CommitBatch::seal_last() {
  auto& entry = entries_.back();
  entry.value_bytes = bytes_.size() - entry.value;
  const std::string_view all = bytes_;
  write_seal(seal_of(all.substr(entry.key, entry.key_bytes), all.substr(entry.value + kSealBytes)), bytes_.data() + entry.value);
}

void CommitBatch::put(Column column, std::string_view key, std::string_view payload) {
  begin(column, key, false);
  bytes_.append(kSealBytes, '\0').append(payload);
  seal_last();
}

void CommitBatch::put(Column column, std::string_view key, const google::protobuf::MessageLite& payload) {
  begin(column, key, false);
  bytes_.append(kSealBytes, '\0');
  payload.AppendToString(&bytes_);
  seal_last();
}

void CommitBatch::erase(Column column, std::string_view key) { begin(column, key, true); }

rocksdb::WriteBatch& CommitBatch::in_order() {
  const std::string_view all = bytes_;
  const auto key = [&](const Entry& entry) { return std::tuple(entry.column, all.substr(entry.key, entry.key_bytes)); };
  std::stable_sort(entries_.begin(), entries_.end(), [&](const Entry& a, const Entry& b) { return key(a) < key(b); });
  for (const auto& entry : entries_) {
    const rocksdb::Slice name(all.data() + entry.key, entry.key_bytes);
    if (entry.erased) batch_.Delete(database_.handle(entry.column), name);
    else batch_.Put(database_.handle(entry.column), name, {all.data() + entry.value, entry.value_bytes});
  }
  return batch_;
}

Outcome CommitBatch::add(const Commit& commit) {
  // Items first: a result may belong to an item that is planned in the same step.
  for (const auto& item : commit.next)
    if (auto added = add_planned(item); !added) return added;
  for (const auto& result : commit.results)
    if (auto added = add_result(result); !added) return added;
  for (const auto& letter : commit.dead)
    if (auto added = add_dead(letter); !added) return added;
  for (const auto& id : commit.requeue) erase(kDeadColumn, id.view());
  for (const auto& [name, value] : commit.meta) put(kMetaColumn, std::string(kMetaPrefix).append(name), value);
  return Done{};
}

Outcome CommitBatch::add_planned(const WorkItem& item) {
  const auto id = id_of(item.id());
  if (!id) return id.error();
  if (item.stage() == Stage::unspecified) return wrong("item " + id->hex() + " has no stage");
  const auto key = item_key(item.stage(), *id);
  if (planned_.contains(key) || database_.contains(kItemColumn, key)) return Done{};
  planned_.emplace(key, &item);
  put(kItemColumn, key, stored_item(item));
  ++answer_.planned;
  return Done{};
}

std::optional<WorkItem> CommitBatch::planned_item(const std::string& key) const {
  if (const auto at = planned_.find(key); at != planned_.end()) return stored_item(*at->second);
  const auto payload = database_.get(kItemColumn, key);
  WorkItem item;
  if (!payload || !item.ParseFromString(*payload)) return std::nullopt;
  return item;
}

Outcome CommitBatch::add_result(const WorkResult& result) {
  const auto id = id_of(result.item_id());
  if (!id) return id.error();
  if (!result.error().empty()) return wrong("the result of item " + id->hex() + " is a failure (" + result.error() + "): not to be stored");
  const auto key = item_key(result.stage(), *id);
  if (done_.contains(key) || database_.contains(kDoneColumn, key)) {
    ++answer_.duplicates;
    return Done{};
  }
  std::optional<WorkItem> item;  // only these stages have pairs as their input
  if (result.stage() == Stage::validate || result.stage() == Stage::encode) item = planned_item(key);

  DoneMark mark;
  mark.funnel.insert(result.funnel().begin(), result.funnel().end());
  if (const auto* input = item ? input_pairs(*item) : nullptr) {
    for (const auto& hex : input->pair_ids()) {
      const auto pair = pair_id_of(hex);
      if (!pair) return pair.error();
      mark.pairs.push_back(*pair);
    }
  }
  if (auto added = add_pairs(result, mark); !added) return added;
  if (auto added = add_proofs(result); !added) return added;
  if (auto added = add_rows(result, item ? &*item : nullptr); !added) return added;
  std::uint32_t number = 0;
  for (const auto& rejection : result.rejections())
    put(kRejectionColumn, rejection_key(result.stage(), *id, number++), rejection);
  put(kDoneColumn, key, done_record(mark));
  if (database_.contains(kDeadColumn, id->view())) erase(kDeadColumn, id->view());
  done_.insert(key);
  ++answer_.stored;
  return Done{};
}

Outcome CommitBatch::add_pairs(const WorkResult& result, DoneMark& mark) {
  for (const auto& pair : result.pairs()) {
    const auto id = pair_id_of(pair.id());
    if (!id) return id.error();
    put(kPairColumn, id->view(), pair);
    mark.pairs.push_back(*id);
  }
  return Done{};
}

Outcome CommitBatch::add_proofs(const WorkResult& result) {
  for (const auto& proof : result.proofs()) {
    const auto id = pair_id_of(proof.verdict().pair_id());
    if (!id) return id.error();
    put(kProofColumn, id->view(), proof);
  }
  return Done{};
}

Outcome CommitBatch::add_rows(const WorkResult& result, const WorkItem* item) {
  if (result.rows().empty()) return Done{};
  if (item == nullptr || !item->has_encode())
    return wrong("rows of item " + ItemId::from_bytes(result.item_id())->hex() + ", which was never planned for encoding");
  const auto& vocabulary = item->encode().tokenizer();
  if (vocabulary.size() > std::numeric_limits<std::uint8_t>::max()) return wrong("the hash of a vocabulary is over 255 bytes long");
  for (const auto& row : result.rows()) {
    const auto id = pair_id_of(row.id());
    if (!id) return id.error();
    put(kRowColumn, row_key(vocabulary, *id), std::string_view(stored_row(row)));
  }
  return Done{};
}

Outcome CommitBatch::add_dead(const DeadLetter& letter) {
  const auto id = id_of(letter.item.id());
  if (!id) return id.error();
  const auto key = item_key(letter.item.stage(), *id);
  if (done_.contains(key) || database_.contains(kDoneColumn, key)) return Done{};
  if (auto added = add_planned(letter.item); !added) return added;
  DeadRecord record;
  *record.mutable_item() = stored_item(letter.item);
  record.set_error(letter.error);
  record.set_stderr_tail(letter.stderr_tail);
  record.set_attempts(letter.attempts);
  record.set_workers_lost(letter.workers_lost);
  put(kDeadColumn, id->view(), record);
  return Done{};
}

}  // namespace mendel::storage
