// The plant's store over RocksDB. A commit is one WriteBatch, written with sync; what it drops or
// refuses is decided before the first byte is written.
#include "storage/plant_store.hpp"

#include <set>
#include <utility>

#include "storage/commit_batch.hpp"
#include "storage/process_lock.hpp"
#include "storage/store_database.hpp"
#include "storage/store_format.hpp"
#include "storage/store_records.hpp"

namespace mendel::storage {
namespace {

namespace fs = std::filesystem;

constexpr char kHolderFile[] = "holder";

// A message whose bytes passed their checksum; nothing if they are no such message all the same.
template <class Message>
std::optional<Message> parsed(std::string_view payload) {
  Message message;
  if (!message.ParseFromArray(payload.data(), static_cast<int>(payload.size()))) return std::nullopt;
  return message;
}

class RocksStore final : public PlantStore {
 public:
  RocksStore(fs::path folder, std::unique_ptr<ProcessLock> lock, std::unique_ptr<StoreDatabase> database, std::uint64_t epoch,
             std::uint64_t lost_writes)
      : folder_(std::move(folder)), lock_(std::move(lock)), database_(std::move(database)), epoch_(epoch), lost_writes_(lost_writes) {}

  ~RocksStore() override {
    if (!lock_ || !intact()) return;
    const auto sequence = database_->db().GetLatestSequenceNumber();
    database_.reset();
    // Without the file the next opening checks less; nothing else can be done about it here.
    if (const auto state = closed_state(folder_, sequence)) (void)write_closed(folder_, *state);
  }

  std::uint64_t epoch() const override { return epoch_; }
  std::uint64_t lost_writes() const override { return lost_writes_; }

  Result<CommitAnswer> commit(const Commit& commit) override {
    if (!lock_) return Error{ErrorCode::invalid_input, folder_.string() + ": opened for reading only"};
    if (auto sound = intact(); !sound) return sound.error();
    CommitBatch batch(*database_);
    if (auto added = batch.add(commit); !added) return added.error();
    if (auto sound = intact(); !sound) return sound.error();  // a read on the way may have met damage
    rocksdb::WriteOptions options;
    options.sync = true;
    const auto status = database_->db().Write(options, &batch.in_order());
    if (!status.ok()) {
      auto error = store_error(folder_, status);
      error.what += "; nothing of the last step was stored, and no more is until the store is opened again";
      failed_ = error;
      database_->abandon();
      return error;
    }
    return batch.answer();
  }

  bool is_done(Stage::Value stage, const ItemId& item) const override {
    return database_->contains(kDoneColumn, item_key(stage, item));
  }

  std::optional<DoneMark> done(Stage::Value stage, const ItemId& item) const override {
    const auto payload = database_->get(kDoneColumn, item_key(stage, item));
    if (!payload) return std::nullopt;
    const auto record = parsed<DoneRecord>(*payload);
    return record ? std::optional(done_mark(*record)) : std::nullopt;
  }

  // Planned and done share their keys, so one walk over both sees what is missing.
  Outcome each_pending(const std::function<bool(const WorkItem&)>& visit) const override {
    std::set<std::string, std::less<>> dead;
    auto read = database_->each(kDeadColumn, "", [&](std::string_view key, std::string_view) {
      dead.emplace(key);
      return true;
    });
    if (!read) return read;
    return each_message<WorkItem>(kItemColumn, "", [&](std::string_view key, const WorkItem& item) {
      return database_->contains(kDoneColumn, key) || dead.contains(key.substr(1)) || visit(item);
    });
  }

  Outcome each_planned(Stage::Value stage, const std::function<bool(const WorkItem&)>& visit) const override {
    return each_message<WorkItem>(kItemColumn, std::string(1, static_cast<char>(stage)),
                                  [&](std::string_view, const WorkItem& item) { return visit(item); });
  }

  std::optional<WorkItem> planned(Stage::Value stage, const ItemId& item) const override {
    return message<WorkItem>(kItemColumn, item_key(stage, item));
  }

  Outcome each_done(Stage::Value stage, const std::function<bool(const ItemId&, const DoneMark&)>& visit) const override {
    return each_message<DoneRecord>(kDoneColumn, std::string(1, static_cast<char>(stage)),
                                    [&](std::string_view key, const DoneRecord& record) {
                                      return visit(*ItemId::from_bytes(key.substr(1)), done_mark(record));
                                    });
  }

  std::optional<Pair> pair(const PairId& id) const override { return message<Pair>(kPairColumn, id.view()); }

  std::vector<std::optional<Pair>> pairs(std::span<const PairId> ids) const override {
    std::vector<std::optional<Pair>> out;
    out.reserve(ids.size());
    for (const auto& id : ids) out.push_back(pair(id));
    return out;
  }

  std::optional<Proof> proof(const PairId& id) const override { return message<Proof>(kProofColumn, id.view()); }

  std::optional<Row> row(std::string_view tokenizer_hash, const PairId& id) const override {
    const auto payload = database_->get(kRowColumn, row_key(tokenizer_hash, id));
    if (!payload) return std::nullopt;
    auto out = row_from(*payload);
    if (!out) database_->note_damage(folder_.string() + ": a value in " + kColumnNames[kRowColumn] + " is no message of its kind");
    return out;
  }

  Outcome each_rejection(const std::function<bool(const Rejection&)>& visit) const override {
    return each_message<Rejection>(kRejectionColumn, "", [&](std::string_view, const Rejection& rejection) { return visit(rejection); });
  }

  Outcome each_dead(const std::function<bool(const DeadLetter&)>& visit) const override {
    return each_message<DeadRecord>(kDeadColumn, "", [&](std::string_view, const DeadRecord& record) {
      return visit({record.item(), record.error(), record.stderr_tail(), record.attempts(), record.workers_lost()});
    });
  }

  std::optional<std::string> meta(std::string_view name) const override {
    return database_->get(kMetaColumn, std::string(kMetaPrefix).append(name));
  }

  std::uint64_t bytes_on_disk() const override {
    std::uint64_t total = 0;
    std::error_code error;
    for (fs::directory_iterator at(folder_, error), end; !error && at != end; at.increment(error)) {
      std::error_code gone;  // compaction removes files at any time
      const auto size = at->file_size(gone);
      if (!gone) total += size;
    }
    return total;
  }

  Outcome intact() const override {
    if (failed_) return *failed_;
    auto damage = database_->damage();
    if (damage.empty()) return Done{};
    return Error{ErrorCode::corrupt, std::move(damage)};
  }

  Outcome verify() const override {
    for (std::size_t column = 0; column < kColumnCount; ++column)
      if (auto read = database_->each(static_cast<Column>(column), "", [](auto, auto) { return true; }); !read) return read;
    return intact();
  }

 private:
  template <class Message>
  std::optional<Message> message(Column column, std::string_view key) const {
    const auto payload = database_->get(column, key);
    if (!payload) return std::nullopt;
    auto out = parsed<Message>(*payload);
    if (!out) database_->note_damage(folder_.string() + ": a value in " + kColumnNames[column] + " is no message of its kind");
    return out;
  }

  template <class Message, class Visit>
  Outcome each_message(Column column, std::string_view prefix, const Visit& visit) const {
    bool readable = true;
    auto read = database_->each(column, prefix, [&](std::string_view key, std::string_view payload) {
      const auto message = parsed<Message>(payload);
      readable = message.has_value();
      return readable && visit(key, *message);
    });
    if (read && !readable)
      return Error{ErrorCode::corrupt, folder_.string() + ": a value in " + kColumnNames[column] + " is no message of its kind"};
    return read;
  }

  fs::path folder_;
  std::unique_ptr<ProcessLock> lock_;  // none: read only. Let go after the database is closed.
  std::unique_ptr<StoreDatabase> database_;
  std::uint64_t epoch_;
  std::uint64_t lost_writes_;
  std::optional<Error> failed_;  // written by the one thread that commits
};

std::uint64_t stored_epoch(const StoreDatabase& database) {
  const auto text = database.get(kMetaColumn, kEpochKey);
  return text ? std::strtoull(text->c_str(), nullptr, 10) : 0;
}

Outcome store_epoch(const fs::path& folder, const StoreDatabase& database, std::uint64_t epoch) {
  rocksdb::WriteOptions options;
  options.sync = true;
  const auto status = database.db().Put(options, database.handle(kMetaColumn), kEpochKey, seal(kEpochKey, std::to_string(epoch)));
  if (!status.ok()) return store_error(folder, status);
  return Done{};
}

Result<std::unique_ptr<PlantStore>> open_to_read(const fs::path& folder) {
  if (auto format = check_format(folder); !format) return format.error();
  auto database = StoreDatabase::open(folder, true, false);
  if (!database) return database.error();
  const auto epoch = stored_epoch(**database);
  if (const auto damage = (*database)->damage(); !damage.empty()) return Error{ErrorCode::corrupt, damage};
  return std::unique_ptr<PlantStore>(std::make_unique<RocksStore>(folder, nullptr, std::move(*database), epoch, 0));
}

}  // namespace

Result<std::unique_ptr<PlantStore>> PlantStore::open(const fs::path& folder, OpenMode mode) {
  if (mode == OpenMode::read_only) return open_to_read(folder);
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return Error{ErrorCode::io_error, folder.string() + ": " + error.message()};
  auto lock = ProcessLock::take(folder / kHolderFile);
  if (!lock) return lock.error();
  // The format file is written after a new database and before its first epoch: without it, there is
  // nothing to lose yet.
  const bool fresh = !fs::exists(folder / kFormatFile, error);
  if (!fresh)
    if (auto format = check_format(folder); !format) return format.error();
  const auto closed = read_closed(folder);
  if (closed) {
    const auto now = closed_state(folder, closed->sequence);
    if (!now) return now.error();
    if (now->manifest_hash != closed->manifest_hash)
      return Error{ErrorCode::corrupt, folder.string() + ": the manifest changed since the store was closed; put back a copy of the folder"};
  }
  auto database = StoreDatabase::open(folder, false, fresh);
  if (!database) return database.error();
  const auto epoch = stored_epoch(**database);
  if (fresh && epoch > 0)
    return Error{ErrorCode::corrupt, (folder / kFormatFile).string() + " is missing: put it back from a copy of the folder"};
  if (const auto damage = (*database)->damage(); !damage.empty()) return Error{ErrorCode::corrupt, damage};
  if (fresh)
    if (auto written = write_format(folder); !written) return written.error();
  const auto sequence = (*database)->db().GetLatestSequenceNumber();
  const std::uint64_t lost = closed && closed->sequence > sequence ? closed->sequence - sequence : 0;
  fs::remove(folder / kClosedFile, error);
  if (auto stored = store_epoch(folder, **database, epoch + 1); !stored) {
    (*database)->abandon();
    return stored.error();
  }
  return std::unique_ptr<PlantStore>(std::make_unique<RocksStore>(folder, std::move(*lock), std::move(*database), epoch + 1, lost));
}

ItemId item_id(const WorkItem& item, std::uint32_t stage_version) {
  const WorkItem input = stored_item(item);
  ContentHash hash;
  hash.add(static_cast<std::uint64_t>(item.stage())).add(std::uint64_t{stage_version});
  hash.add(static_cast<std::uint64_t>(item.input_case()));
  const auto add = [&hash](const google::protobuf::MessageLite& message) { hash.add(message.SerializeAsString()); };
  switch (input.input_case()) {
    case WorkItem::kMineGit: add(input.mine_git()); break;
    case WorkItem::kMineGithub: add(input.mine_github()); break;
    case WorkItem::kMutate: add(input.mutate()); break;
    case WorkItem::kLint: add(input.lint()); break;
    case WorkItem::kValidate: add(input.validate()); break;
    case WorkItem::kEncode: add(input.encode()); break;
    case WorkItem::kTrain: add(input.train()); break;
    case WorkItem::kMineStackoverflow: add(input.mine_stackoverflow()); break;
    case WorkItem::kMineRelease: add(input.mine_release()); break;
    case WorkItem::kLintHistory: add(input.lint_history()); break;
    case WorkItem::kLintChanges: add(input.lint_changes()); break;
    case WorkItem::INPUT_NOT_SET: break;
  }
  return hash.finish<ItemId>();
}

}  // namespace mendel::storage
