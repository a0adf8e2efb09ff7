// Made-up functions for the tests of the models: lines of <indent> tokens <eol>, with one edit or none.
#pragma once

#include <unistd.h>

#include <filesystem>
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
