// RocksDB's settings in one place, with the reason where they are not its defaults, and the mapping of its
// errors to ours.
#include "storage/store_database.hpp"

#include <rocksdb/cache.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>

#include <chrono>
#include <thread>
#include <vector>

namespace mendel::storage {
namespace {

constexpr std::size_t kMemtableBytes = 64u << 20;  // of one column family
constexpr std::size_t kMemtablesBytes = 192u << 20;  // of all
constexpr std::size_t kWalBytesMax = 256u << 20;
constexpr std::size_t kCacheBytes = 64u << 20;
constexpr std::uintmax_t kRoomMin = 4u << 20;  // bytes free without which no store is opened for writing
constexpr int kReadOnlyAttempts = 5;  // a writer may replace files while they are being opened

// RocksDB's own log: on a full disk writing it would end the process. Errors come back as values.
class NoLog final : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
};

rocksdb::DBOptions database_options(bool create) {
  rocksdb::DBOptions options;
  options.info_log = std::make_shared<NoLog>();
  options.create_if_missing = create;
  options.create_missing_column_families = create;
  options.paranoid_checks = true;
  options.track_and_verify_wals_in_manifest = true;
  // An incomplete last record was never acked and is dropped. Anything else that does not match its
  // checksum may have been acked, and is an error instead of a silent loss.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  options.max_bgerror_resume_count = 0;  // a failed sync is never retried
  options.max_background_jobs = 2;
  options.bytes_per_sync = 1u << 20;
  options.max_total_wal_size = kWalBytesMax;
  options.db_write_buffer_size = kMemtablesBytes;
  return options;
}

rocksdb::ColumnFamilyOptions column_options(const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.block_size = 16u << 10;
  table.format_version = 5;
  table.checksum = rocksdb::kXXH3;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10, false));
  rocksdb::ColumnFamilyOptions options;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  options.compression = rocksdb::kLZ4Compression;
  options.bottommost_compression = rocksdb::kZSTD;
  options.write_buffer_size = kMemtableBytes;
  options.force_consistency_checks = true;
  // Most looks at done-marks and items find nothing: not worth a walk through the memtable each.
  options.memtable_whole_key_filtering = true;
  options.memtable_prefix_bloom_size_ratio = 0.02;
  return options;
}

rocksdb::Status open_once(const rocksdb::DBOptions& options, const std::filesystem::path& folder, bool read_only,
                          std::vector<rocksdb::ColumnFamilyHandle*>& handles, rocksdb::DB** db) {
  const auto cache = rocksdb::NewLRUCache(kCacheBytes);
  std::vector<rocksdb::ColumnFamilyDescriptor> columns;
  for (const char* name : kColumnNames) columns.emplace_back(name, column_options(cache));
  handles.clear();
  if (read_only) return rocksdb::DB::OpenForReadOnly(options, folder.string(), columns, &handles, db);
  return rocksdb::DB::Open(options, folder.string(), columns, &handles, db);
}

}  // namespace

Error store_error(const std::filesystem::path& folder, const rocksdb::Status& status) {
  const std::string what = folder.string() + ": " + status.ToString();
  if (status.IsCorruption())
    return {ErrorCode::corrupt, what + "; the store is damaged: put back a copy of the folder, or start a new plant in another one"};
  if (status.IsNoSpace()) return {ErrorCode::io_error, what + "; make room and start again"};
  if (status.IsNotFound()) return {ErrorCode::not_found, what};
  if (status.IsInvalidArgument()) return {ErrorCode::corrupt, what + "; not a store of this program, or files of it are missing"};
  return {ErrorCode::io_error, what};
}

Result<std::unique_ptr<StoreDatabase>> StoreDatabase::open(const std::filesystem::path& folder, bool read_only, bool create) {
  std::error_code unknown;
  if (const auto space = std::filesystem::space(folder, unknown); !read_only && !unknown && space.available < kRoomMin)
    return Error{ErrorCode::io_error, folder.string() + ": no space left: less than 4 MiB are free; make room and start again"};
  std::unique_ptr<StoreDatabase> store(new StoreDatabase(folder));
  const auto options = database_options(create);
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  auto status = open_once(options, folder, read_only, handles, &db);
  for (int attempt = 1; read_only && !status.ok() && attempt < kReadOnlyAttempts; ++attempt) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20 * attempt));
    status = open_once(options, folder, read_only, handles, &db);
  }
  if (!status.ok()) return store_error(folder, status);
  store->db_.reset(db);
  for (std::size_t i = 0; i < kColumnCount; ++i) store->handles_[i] = handles[i];
  return store;
}

StoreDatabase::~StoreDatabase() {
  if (abandoned_) static_cast<void>(db_.release());
  if (!db_) return;
  for (auto* handle : handles_) db_->DestroyColumnFamilyHandle(handle);
  db_->Close().PermitUncheckedError();
}

std::optional<std::string> StoreDatabase::unsealed(Column column, std::string_view key, const rocksdb::Status& status,
                                                   std::string_view value) const {
  if (status.IsNotFound()) return std::nullopt;
  if (!status.ok()) {
    note_damage(store_error(folder_, status).what);
    return std::nullopt;
  }
  const auto payload = unseal(key, value);
  if (!payload) {
    note_damage(folder_.string() + ": a value in " + kColumnNames[column] + " does not match its checksum");
    return std::nullopt;
  }
  return std::string(*payload);
}

std::optional<std::string> StoreDatabase::get(Column column, std::string_view key) const {
  rocksdb::PinnableSlice value;
  const auto status = db_->Get({}, handles_[column], {key.data(), key.size()}, &value);
  return unsealed(column, key, status, status.ok() ? std::string_view(value.data(), value.size()) : std::string_view());
}

bool StoreDatabase::contains(Column column, std::string_view key) const {
  rocksdb::PinnableSlice value;
  const auto status = db_->Get({}, handles_[column], {key.data(), key.size()}, &value);
  if (!status.ok() && !status.IsNotFound()) note_damage(store_error(folder_, status).what);
  return status.ok();
}

Outcome StoreDatabase::each(Column column, std::string_view prefix,
                            const std::function<bool(std::string_view, std::string_view)>& visit) const {
  rocksdb::ReadOptions options;
  options.fill_cache = false;
  options.readahead_size = 2u << 20;
  const std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator(options, handles_[column]));
  for (at->Seek({prefix.data(), prefix.size()}); at->Valid(); at->Next()) {
    const std::string_view key(at->key().data(), at->key().size());
    if (!key.starts_with(prefix)) return Done{};
    const auto payload = unseal(key, {at->value().data(), at->value().size()});
    if (!payload) {
      note_damage(folder_.string() + ": a value in " + kColumnNames[column] + " does not match its checksum");
      return Error{ErrorCode::corrupt, damage()};
    }
    if (!visit(key, *payload)) return Done{};
  }
  if (at->status().ok()) return Done{};
  auto error = store_error(folder_, at->status());
  note_damage(error.what);
  return error;
}

std::string StoreDatabase::damage() const {
  const std::lock_guard lock(mutex_);
  return damage_;
}

void StoreDatabase::note_damage(std::string what) const {
  const std::lock_guard lock(mutex_);
  if (damage_.empty()) damage_ = std::move(what);
}

}  // namespace mendel::storage
