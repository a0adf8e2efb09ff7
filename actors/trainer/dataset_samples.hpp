// Dataset rows as the models see them: packed cells and one edit a row, held compactly in memory.
//
// On the data's way: between the finished dataset (storage/dataset.hpp) and training, evaluation
// (model/sample.hpp). Cells are those of the code view: documentation is left out (code_view.hpp). Two
// bytes a cell; rows and columns follow from the cells (encoder/grid.hpp).
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/encoder/grid.hpp"
#include "actors/trainer/lexical_marks.hpp"
#include "model/sample.hpp"
#include "proto/ids.hpp"
#include "proto/result.hpp"
#include "proto/work.pb.h"
#include "storage/dataset.hpp"

namespace mendel::trainer {

// What evaluation says a sample is, beside its cells.
struct SampleLabels {
  std::string id, bug_class, bug_type, source;
  std::uint32_t level = 0;  // of the curriculum, 1..5
  double difficulty = 0;  // 0..1, as the dataset has it
};

// "mutation", "linter", "release" or "mined" (any other: from histories and dumps). Reports never mix them but under "all".
const char* source_group(const std::string& source);

// Rows of a split that became no sample, and why. `damaged_rows` names the first few.
struct PassedOver {
  std::uint64_t several_edits = 0;  // the models mend one span a look
  std::uint64_t documentation_only = 0;  // the change is in comments or docstrings
  std::uint64_t over_cells_max = 0;
  std::uint64_t damaged = 0;
  std::vector<std::string> damaged_rows;  // "train row 17 (ID): what is wrong"
  void add(const PassedOver& more);
};

// Immutable once filled, then thread-safe; order is the dataset's.
class DatasetSamples final : public model::SampleSet {
 public:
  // Takes rows whose cells are at most `cells_max`; the others are counted. `tokenizer` must outlive the
  // calls of `add`. `rows_before`: of the split, for the names of damaged rows.
  DatasetSamples(std::string split, std::uint32_t cells_max, const encoder::Tokenizer& tokenizer, std::uint64_t rows_before = 0);
  void add(const Row& row);
  // Gives back memory that was kept for more samples.
  void close();

  std::uint64_t size() const override { return begins_.size() - 1; }
  std::uint32_t cells(std::uint64_t index) const override;
  model::Sample sample(std::uint64_t index) const override;

  // The same without what follows from the cells.
  std::vector<encoder::TokenId> cell_ids(std::uint64_t index) const;
  std::optional<model::SpanEdit> edit(std::uint64_t index) const;
  std::uint32_t fixed_cells(std::uint64_t index) const;  // how many the fixed side has
  // Other cells as the model sees them; they must fit a grid.
  model::Sample seen(const std::vector<encoder::TokenId>& cells, std::optional<model::SpanEdit> edit) const;

  SampleLabels labels(std::uint64_t index) const;
  bool has_bug(std::uint64_t index) const { return entries_[index].has_edit; }
  std::uint64_t clean() const { return clean_; }  // samples without a bug
  std::uint64_t bytes() const;  // that the samples take
  const PassedOver& passed_over() const { return passed_over_; }

 private:
  struct Entry {
    std::uint32_t tokens_begin;  // new tokens of the edit, in tokens_, to those of the next entry
    std::uint16_t first, end;
    bool has_edit;
    std::uint16_t bug_class, bug_type, source;  // indices into words_
    std::array<std::uint8_t, 16> id;
    std::uint8_t level;
    float difficulty;
  };

  std::string add_checked(const Row& row);
  void keep(const PairId& id, const Row& row, const std::vector<encoder::TokenId>& cells, const std::optional<encoder::SpanEdit>& edit);
  std::uint16_t word(const std::string& text);

  std::string split_;
  std::uint32_t cells_max_;
  const encoder::Tokenizer& tokenizer_;
  const LexicalMarks lexical_marks_;
  std::vector<std::int16_t> cells_, tokens_;
  std::vector<std::uint64_t> begins_{0};  // of each sample in cells_, and the end of the last
  std::vector<Entry> entries_;
  std::vector<std::string> words_;
  std::map<std::string, std::uint16_t> numbers_;
  std::uint64_t rows_, clean_ = 0;
  PassedOver passed_over_;
};

// What a curriculum asks about each sample of a split, eight bytes for each.
class SampleKinds {
 public:
  void add(const DatasetSamples& samples);

  std::uint64_t size() const { return entries_.size(); }
  std::uint64_t clean() const { return clean_; }
  bool has_bug(std::uint64_t index) const { return entries_[index].kind > 0; }
  struct Kind {
    std::string bug_class, bug_type, source;  // source: as source_group names it
    auto operator<=>(const Kind&) const = default;
  };
  // Of a sample with a bug.
  const Kind& kind(std::uint64_t index) const { return kinds_[entries_[index].kind - 1]; }
  double difficulty(std::uint64_t index) const { return entries_[index].difficulty; }

 private:
  struct Entry {
    float difficulty;
    std::uint32_t kind;  // 0: clean, else one more than the place in kinds_
  };
  std::vector<Entry> entries_;
  std::vector<Kind> kinds_;
  std::map<Kind, std::uint32_t> numbers_;
  std::uint64_t clean_ = 0;
};

// A dataset opened for training or evaluation, with the vocabulary that its grids are written in.
struct TrainingData {
  std::unique_ptr<storage::DatasetReader> reader;
  encoder::Tokenizer tokenizer;

  // What a checkpoint keeps of its data, so that it repairs without the dataset: vocabulary_hash,
  // merges, dataset_digest.
  std::map<std::string, std::string> facts() const;
};

// not_found, corrupt: the message names the file. corrupt too if the tokenizer is not the manifest's.
Result<TrainingData> open_training_data(const std::filesystem::path& dataset);

// Reads a whole split, or about `rows_max` of its rows, chosen by the hash of their ids. A shard that cannot be read is an error that names file and row; a row that
// does not hold together is passed over and named.
Result<std::unique_ptr<DatasetSamples>> load_samples(const TrainingData& data, storage::SplitName split, std::uint32_t cells_max,
                                                     std::uint64_t rows_max = 0);

// One line for people: what was passed over, empty if nothing was.
std::string describe(const PassedOver& passed_over);

}  // namespace mendel::trainer
