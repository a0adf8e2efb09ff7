// What the store keeps of items, done-marks and dead letters, and back.
#pragma once

#include "proto/store.pb.h"
#include "storage/plant_store.hpp"

namespace mendel::storage {

// The item as it is kept: without the attempt, and without pairs that ride along.
WorkItem stored_item(const WorkItem& item);

DoneRecord done_record(const DoneMark& mark);
DoneMark done_mark(const DoneRecord& record);

}  // namespace mendel::storage
