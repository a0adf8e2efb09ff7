// Made-up functions for the tests of the models: lines of <indent> tokens <eol>, with one edit or none.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <vector>

#include "model/repair_model.hpp"
#include "model/sample.hpp"

namespace mendel::model {

inline constexpr std::uint32_t kTestVocabulary = 40;
inline constexpr std::int16_t kTestColon = 20;

// Cells with rows and columns as the grid has them: a row ends after <eol>.
inline Sample laid_out(const std::vector<std::int16_t>& cells) {
  Sample s;
  s.cells = cells;
  std::uint8_t row = 0, column = 0;
  for (const auto cell : cells) {
    s.rows.push_back(row);
    s.columns.push_back(column++);
    if (cell == kEolId) ++row, column = 0;
  }
  return s;
}

// Every line ends in a colon before <eol>; in a bug one of them is missing.
inline Sample made_sample(std::uint32_t seed, bool bug) {
  std::mt19937 random(seed);
  std::vector<std::int16_t> cells;
  std::vector<std::uint32_t> colons;
  const auto lines = 2 + random() % 3;
  for (std::uint32_t line = 0; line < lines; ++line) {
    cells.push_back(static_cast<std::int16_t>(6 + random() % 4));
    for (std::uint32_t words = 1 + random() % 4; words > 0; --words) cells.push_back(static_cast<std::int16_t>(21 + random() % 19));
    colons.push_back(static_cast<std::uint32_t>(cells.size()));
    cells.push_back(kTestColon);
    cells.push_back(kEolId);
  }
  const auto gone = colons[random() % colons.size()];
  if (bug) cells.erase(cells.begin() + gone);
  auto s = laid_out(cells);
  if (bug) s.edit = SpanEdit{gone, gone, {kTestColon}};
  return s;
}

// Every fourth is clean.
inline std::vector<Sample> made(std::size_t count) {
  std::vector<Sample> out;
  for (std::size_t i = 0; i < count; ++i) out.push_back(made_sample(static_cast<std::uint32_t>(i), i % 4 != 3));
  return out;
}

// The machine of a CTM that steps in no time.
inline CtmSettings small_machine() {
  CtmSettings s;
  s.neurons = 48;
  s.memory = 4;
  s.hidden = 4;
  s.input = 16;
  s.heads = 2;
  s.pairs_out = 24;
  s.pairs_action = 16;
  return s;
}

// `size` samples; every fourth is clean.
class MadeSet : public SampleSet {
 public:
  explicit MadeSet(std::uint64_t size, std::uint32_t seed = 0) {
    for (std::uint64_t i = 0; i < size; ++i) samples_.push_back(made_sample(seed + static_cast<std::uint32_t>(i), i % 4 != 3));
  }
  explicit MadeSet(std::vector<Sample> samples) : samples_(std::move(samples)) {}
  std::uint64_t size() const override { return samples_.size(); }
  std::uint32_t cells(std::uint64_t i) const override { return static_cast<std::uint32_t>(samples_[i].cells.size()); }
  Sample sample(std::uint64_t i) const override { return samples_[i]; }

 private:
  std::vector<Sample> samples_;
};

// The same samples in blocks of `block`, of which `held_max` may be held; counts reads and blocks alive.
class BlockedSet : public SampleSource {
 public:
  BlockedSet(std::uint64_t size, std::uint64_t block, std::uint64_t held_max) : whole_(size), block_(block), held_max_(held_max), reads_((size + block - 1) / block) {}
  std::uint64_t size() const override { return whole_.size(); }
  std::vector<std::uint64_t> blocks() const override {
    std::vector<std::uint64_t> out;
    for (std::uint64_t first = 0; first < size(); first += block_) out.push_back(std::min(block_, size() - first));
    return out;
  }
  std::uint64_t blocks_held_max() const override { return held_max_; }
  Expected<std::shared_ptr<const SampleSet>> read(std::uint64_t block) const override {
    if (block == broken_) return Failure{Fault::corrupt, "block " + std::to_string(block) + " is damaged"};
    std::vector<Sample> samples;
    for (auto i = block * block_; i < std::min(size(), (block + 1) * block_); ++i) samples.push_back(whole_.sample(i));
    const std::lock_guard lock(mutex_);
    ++reads_[block];
    most_alive_ = std::max(most_alive_, ++alive_);
    return std::shared_ptr<const SampleSet>(new MadeSet(std::move(samples)), [this](const SampleSet* set) {
      delete set;
      const std::lock_guard gone(mutex_);
      --alive_;
    });
  }

  const MadeSet& whole() const { return whole_; }
  std::uint64_t most_alive() const { return most_alive_; }
  std::uint64_t reads(std::uint64_t block) const { return reads_[block]; }
  void break_block(std::uint64_t block) { broken_ = block; }

 private:
  MadeSet whole_;
  std::uint64_t block_, held_max_, broken_ = UINT64_MAX;
  mutable std::mutex mutex_;
  mutable std::vector<std::uint64_t> reads_;
  mutable std::uint64_t alive_ = 0, most_alive_ = 0;
};

// An empty folder that goes with the test.
struct TestFolder {
  explicit TestFolder(const std::string& name) : path(std::filesystem::temp_directory_path() / ("mendel-model-" + name + "-" + std::to_string(::getpid()))) {
    std::filesystem::remove_all(path);
    std::filesystem::create_directories(path);
  }
  ~TestFolder() { std::filesystem::remove_all(path); }
  std::filesystem::path path;
};

}  // namespace mendel::model
