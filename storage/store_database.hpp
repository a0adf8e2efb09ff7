// The RocksDB behind the plant's store: settings, opening, reads that check every value's seal.
#pragma once

#include <rocksdb/db.h>

#include <array>
#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "proto/result.hpp"
#include "storage/store_keys.hpp"

namespace mendel::storage {

// Thread-safe. Owns the database and its column families.
class StoreDatabase {
 public:
  // `create`: a database may be made where there is none.
  static Result<std::unique_ptr<StoreDatabase>> open(const std::filesystem::path& folder, bool read_only, bool create);
  ~StoreDatabase();

  // The payload, or nothing if there is none or it is damaged (see damage).
  std::optional<std::string> get(Column column, std::string_view key) const;
  bool contains(Column column, std::string_view key) const;
  // All keys that start with `prefix`, ascending; corrupt at the first damaged value.
  Outcome each(Column column, std::string_view prefix,
               const std::function<bool(std::string_view key, std::string_view payload)>& visit) const;

  rocksdb::DB& db() const { return *db_; }
  // After a write that failed: leaves the files as they are, as a crash would. Closing them would try to
  // write what is left, and RocksDB ends the process over that.
  void abandon() { abandoned_ = true; }
  rocksdb::ColumnFamilyHandle* handle(Column column) const { return handles_[column]; }

  // The first damage that a read met; empty if none.
  std::string damage() const;
  // Keeps the first.
  void note_damage(std::string what) const;

 private:
  explicit StoreDatabase(std::filesystem::path folder) : folder_(std::move(folder)) {}
  std::optional<std::string> unsealed(Column column, std::string_view key, const rocksdb::Status& status,
                                      std::string_view value) const;

  std::filesystem::path folder_;
  std::unique_ptr<rocksdb::DB> db_;
  bool abandoned_ = false;
  std::array<rocksdb::ColumnFamilyHandle*, kColumnCount> handles_{};
  mutable std::mutex mutex_;
  mutable std::string damage_;
};

// A RocksDB status as an error that names the folder and the remedy.
Error store_error(const std::filesystem::path& folder, const rocksdb::Status& status);

}  // namespace mendel::storage
