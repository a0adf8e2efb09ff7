// Rows as one row group of a Parquet file: the columns of the dataset's schema, level by level.
#pragma once

#include <arrow/io/type_fwd.h>
#include <parquet/metadata.h>

#include <cstdint>
#include <memory>

#include "proto/work.pb.h"

namespace mendel::storage {

// Holds finished pages until `close` writes them. Not thread-safe. Throws ParquetException.
class RowGroup {
 public:
  // `metadata` and what `properties` belongs to outlive the group. `ordinal`: which group of its file.
  RowGroup(std::shared_ptr<arrow::io::OutputStream> out, parquet::RowGroupMetaDataBuilder& metadata, const parquet::WriterProperties& properties,
           std::int16_t ordinal);
  ~RowGroup();
  // A sound row (check_row).
  void add(const Row& row);
  std::int64_t rows() const { return rows_; }
  void close();

 private:
  class Columns;
  std::unique_ptr<Columns> columns_;
  parquet::RowGroupMetaDataBuilder& metadata_;
  std::int16_t ordinal_;
  std::int64_t rows_ = 0;
};

}  // namespace mendel::storage
