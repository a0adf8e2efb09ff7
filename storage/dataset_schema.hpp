// The columns of a dataset (README.md), what a sound row is, and rows out of Arrow's columns.
#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "proto/result.hpp"
#include "proto/work.pb.h"

namespace mendel::storage {

inline constexpr std::int32_t kGridCellCount = 3072;  // 64x48 row-major
inline constexpr std::int32_t kGridRowCount = 64;
inline constexpr int kLevelCount = 5;

const std::shared_ptr<arrow::Schema>& dataset_schema();

// What is wrong with a row that is about to be stored or was read; nothing if it is sound. Ids of cells
// are below `vocabulary`. The message opens with the column's name.
Outcome check_row(const Row& row, std::uint32_t vocabulary);

// Calls `visit` with each row of the batch, whose schema must be the dataset's. The message of an error
// names row (from `first_row` on) and column.
Outcome each_row(const arrow::RecordBatch& batch, std::uint64_t first_row, const std::function<Result<bool>(const Row&)>& visit);

// corrupt, naming the column, unless `schema` has the dataset's columns in their order and types.
Outcome check_schema(const arrow::Schema& schema);

}  // namespace mendel::storage
