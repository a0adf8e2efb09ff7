// From rows in any order to threads: a question about Python with code, and the answers to it that are
// scored well and hold code. Which answer belongs to which question is told by ids; they are joined at
// the end, range of ids by range, so that memory is bounded whatever the size of the dump.
//
// State: two bits for each question id seen (about the tags or about others), and the raw rows that may
// matter, in memory up to memory_mib and in files of the scratch folder above that.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "actors/miner/stackoverflow/post_rows.hpp"
#include "proto/config.pb.h"
#include "proto/result.hpp"
#include "proto/work.pb.h"

namespace mendel::miner {

using DumpCounts = std::map<std::string, std::uint64_t>;

// A set of post ids below kPostIdsEnd in pages of 8 KiB.
class PostIdSet {
 public:
  bool insert(std::uint32_t id);  // false if it was there
  bool contains(std::uint32_t id) const;

 private:
  static constexpr std::uint32_t kPageBits = 16;
  std::vector<std::unique_ptr<std::uint64_t[]>> pages_;
};
inline constexpr std::uint32_t kPostIdsEnd = 1u << 28;  // dumps of 2024 reach 79 million

// Not thread-safe. One dump.
class ThreadCollector {
 public:
  // `scratch` is made when it is first needed; what is in it is removed at the end.
  ThreadCollector(const Stackoverflow& settings, std::string scratch);
  ~ThreadCollector();

  // One row of the dump. Counts what becomes of it.
  void take(const PostRow& row);
  // What went wrong on the way to disk, asked now and then: io_error, too_large (spill_gib_max).
  Outcome state() const { return state_; }

  // All threads in ascending order of the question's id, each with its accepted and its best answer; the
  // same whatever the order of the rows. Call once, at the end.
  Outcome each_thread(const std::function<Outcome(Thread)>& visit);

  const DumpCounts& counts() const { return counts_; }

 private:
  struct Range {
    std::string waiting;  // records in memory
    bool on_disk = false;
  };

  void take_question(const PostRow& row, std::uint32_t id);
  void take_answer(const PostRow& row, std::uint32_t id);
  void keep(const PostRow& row, std::uint32_t id, std::uint32_t question);
  void spill();
  std::string file_of(std::uint32_t range) const;
  Result<std::string> load(std::uint32_t number, Range& range);
  Outcome join(const std::string& records, const std::function<Outcome(Thread)>& visit);
  void choose(Thread& thread);

  Stackoverflow settings_;
  std::string scratch_;
  PostIdSet asked_, others_;
  std::map<std::uint32_t, Range> ranges_;
  std::uint64_t waiting_bytes_ = 0, disk_bytes_ = 0;
  bool scratch_made_ = false;
  Outcome state_ = Done{};
  DumpCounts counts_;
};

// Whether `raw` (a Tags value, "&lt;a&gt;&lt;b&gt;" or "|a|b|") names a tag of `wanted`; of none: python
// or any that begins with "python-".
bool has_tag(std::string_view raw, const Stackoverflow& settings);

}  // namespace mendel::miner
