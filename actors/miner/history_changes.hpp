// The production files that the commits of a history change, before and after: what the linters look at to see
// which diagnostics disappear. Messages are not asked: most of what a linter finds is mended without a word of it.
#pragma once

#include <memory>

#include "proto/config.pb.h"
#include "proto/result.hpp"
#include "proto/work.pb.h"

namespace mendel::miner {

// Keeps the repository that it read last open. Not thread-safe.
class HistoryReader {
 public:
  explicit HistoryReader(const Config& config);
  HistoryReader(HistoryReader&&) noexcept;
  HistoryReader& operator=(HistoryReader&&) noexcept;
  ~HistoryReader();

  // Changes in the order of `input.commits`, then by path: commits with one parent that modify at most
  // kFilesMax production files, of each file at most Mine.changed_lines_max lines. What cannot be read is left out,
  // as the miner tells it. Blocks. Errors: those of opening or cloning the repository.
  Result<FileChanges> read(const MineGit& input);

  static constexpr std::size_t kFilesMax = 4;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mendel::miner
