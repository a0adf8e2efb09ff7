// One dump from its file to work items: stream, scanner and collector in one call.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "proto/config.pb.h"
#include "proto/result.hpp"
#include "proto/work.pb.h"

namespace mendel::miner {

struct DumpProgress {
  std::uint64_t packed = 0, packed_total = 0, unpacked = 0;  // bytes; total 0: unknown
  std::uint64_t rows = 0;
  std::uint64_t threads = 0;  // joined; the dump is read to its end by then
};

struct DumpSinks {
  // Items of stage mine_stackoverflow, ids not set, at most about kItemBytes each.
  std::function<Outcome(WorkItem)> item;
  // Now and then; false stops with `interrupted`.
  std::function<bool(const DumpProgress&)> going_on;
};

inline constexpr std::size_t kItemBytes = 256u << 10;

// Blocks. The items are a function of the posts in the dump and of the settings, not of the order or the
// packing of the rows. The last one carries the counts of the scan (it is there even without a thread).
// Errors name the dump.
Outcome read_dump(const std::string& path, const Config& config, const DumpSinks& sinks);

}  // namespace mendel::miner
