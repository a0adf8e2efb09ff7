// The disk under a simulated coordinator. Between any two of its effects the process may end; what was not
// synced is gone when the power goes; a write may fail and be on the disk all the same. The two mechanisms
// that the store owes the plant can be switched off, so that tests can see the promise break.
#pragma once

#include <functional>
#include <optional>

#include "tests/runtime/fake_store.hpp"

namespace mendel::runtime::samples {

struct Crash {};  // thrown where a process ends

enum class Fault { none, refused, stored_all_the_same };

class SimulatedStore final : public FakeStore {
 public:
  bool one_batch = true;  // data, done-mark and next items are written together
  bool synced = true;  // a commit is on the disk before it answers
  std::function<void()> effect = [] {};  // called between two effects; may throw Crash
  std::function<Fault()> fault = [] { return Fault::none; };

  Result<storage::CommitAnswer> commit(const storage::Commit& commit) override {
    const auto fails = fault();
    if (fails == Fault::refused) return Error{ErrorCode::io_error, "the disk refused the write"};
    effect();
    if (!synced && !disk_) disk_.emplace(*this);
    auto answer = one_batch ? FakeStore::commit(commit) : commit_in_two(commit);
    if (!synced && ++commits_ % kCommitsPerSync == 0) disk_.reset();
    effect();
    if (fails == Fault::stored_all_the_same) return Error{ErrorCode::io_error, "the disk did not confirm the write"};
    return answer;
  }

  // Would this be there after a power cut now?
  bool on_disk(Stage::Value stage, const ItemId& item) const { return (disk_ ? *disk_ : *this).is_done(stage, item); }

  // The process ended and starts again; with the power the unsynced writes went, too.
  void restart(bool power_cut) {
    const auto before = epoch();
    if (power_cut && disk_) static_cast<FakeStore&>(*this) = *std::exchange(disk_, std::nullopt);
    while (epoch() <= before) FakeStore::restart();
  }

 private:
  static constexpr std::uint64_t kCommitsPerSync = 16;

  // As a store would that marks first and writes the data then.
  Result<storage::CommitAnswer> commit_in_two(const storage::Commit& commit) {
    std::vector<const WorkResult*> fresh;
    for (const auto& result : commit.results)
      if (!is_done(result.stage(), *ItemId::from_bytes(result.item_id()))) fresh.push_back(&result);
    for (const auto* result : fresh) add_mark(*result, *ItemId::from_bytes(result->item_id()));
    effect();
    for (const auto* result : fresh) add_data(*result, *ItemId::from_bytes(result->item_id()));
    return FakeStore::commit(commit);
  }

  std::optional<FakeStore> disk_;  // what a power cut would leave; nothing: all of it
  std::uint64_t commits_ = 0;
};

}  // namespace mendel::runtime::samples
