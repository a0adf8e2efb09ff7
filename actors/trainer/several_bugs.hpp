// Functions with several bugs. A row of a dataset holds one; where several rows are of one function and their
// spans lie apart, their bugs are put into it together. A model mends them one a look: apply, look again.
//
// On the data's way: beside dataset_samples.hpp, as more samples to train on (`train.several_share`) and as a
// question of `mendel eval`.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "actors/trainer/dataset_samples.hpp"
#include "actors/trainer/evaluation.hpp"
#include "model/repair_model.hpp"

namespace mendel::trainer {

// Functions with two bugs or more, made of the samples of one split; the edit of a sample mends one of them, chosen
// by hash. Immutable and thread-safe; the same samples and options give the same set.
class SeveralBugs final : public model::SampleSet {
 public:
  static constexpr std::size_t kBugsMax = 3;
  struct Options {
    double share = 1;  // at most so many, beside the number of the samples
    std::uint32_t cells_max = model::kCellsMax;  // longer ones are left out
    std::uint64_t seed = 0;  // decides which, and which bug is mended
  };
  // `samples` must outlive the set.
  SeveralBugs(const DatasetSamples& samples, const Options& options);

  std::uint64_t size() const override { return entries_.size(); }
  std::uint32_t cells(std::uint64_t index) const override { return entries_[index].cells; }
  model::Sample sample(std::uint64_t index) const override;

  std::uint32_t bugs(std::uint64_t index) const { return entries_[index].bugs; }
  // To a stage's choice of samples, ascending, the functions all of whose bugs belong to it, as JoinedSamples numbers
  // them behind the samples.
  void add_to(std::vector<std::uint64_t>& chosen) const;
  // The function without its bugs, as cells.
  std::vector<encoder::TokenId> fixed(std::uint64_t index) const;

 private:
  struct Entry {
    std::array<std::uint32_t, kBugsMax> members;  // samples, in the order of their spans; the first `bugs` count
    std::uint8_t bugs, mended;
    std::uint32_t cells;
  };
  const DatasetSamples& samples_;
  std::vector<Entry> entries_;
};

// One set after the other, as one. Both must outlive it.
class JoinedSamples final : public model::SampleSet {
 public:
  JoinedSamples(const model::SampleSet& first, const model::SampleSet& second) : first_(first), second_(second), border_(first.size()) {}
  std::uint64_t size() const override { return border_ + second_.size(); }
  std::uint32_t cells(std::uint64_t index) const override { return index < border_ ? first_.cells(index) : second_.cells(index - border_); }
  model::Sample sample(std::uint64_t index) const override { return index < border_ ? first_.sample(index) : second_.sample(index - border_); }

 private:
  const model::SampleSet &first_, &second_;
  std::uint64_t border_;
};

// How many functions with so many bugs are whole again, all of them and nothing else changed.
struct SeveralRow {
  std::uint32_t bugs = 0;  // 0: clean functions, to be left alone
  Share given;  // when the model is told how many edits to make
  std::vector<Share> mended;  // when it stops by itself, at each of the levels
};

// Where a first and every further edit of a function is believed.
struct SeveralLevel {
  double share = 0, margin = 0, margin_again = 0;
};

// Rows for 0, 1, 2, … bugs, of at most `functions_max` functions each, chosen by hash. Every look is a fresh one.
// interrupted once `stop` is true.
Result<std::vector<SeveralRow>> evaluate_several(model::RepairModel& model, const DatasetSamples& samples, const std::vector<SeveralLevel>& levels,
                                                 std::uint64_t functions_max, const std::function<bool()>& stop);

// For several_bugs.json, and as a table for people.
std::string several_json(const std::vector<SeveralRow>& rows, const std::vector<SeveralLevel>& levels);
std::string several_table(const std::vector<SeveralRow>& rows, const std::vector<SeveralLevel>& levels);

}  // namespace mendel::trainer
