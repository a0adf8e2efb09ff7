// What the store keeps of items, done-marks and dead letters, and back.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "proto/store.pb.h"
#include "storage/plant_store.hpp"

namespace mendel::storage {

// The item as it is kept: without the attempt, and without pairs that ride along.
WorkItem stored_item(const WorkItem& item);

// A row as it is kept: most cells of most grids are padding, so the zeros that end a grid are left out and their
// number stands behind the row. Rows that were kept whole (older stores) read as they are.
std::string stored_row(const Row& row);
std::optional<Row> row_from(std::string_view stored);

DoneRecord done_record(const DoneMark& mark);
DoneMark done_mark(const DoneRecord& record);

}  // namespace mendel::storage
