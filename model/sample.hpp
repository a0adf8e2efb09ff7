// What the models see of a function: its packed real cells, and the one edit that repairs it.
//
// On the data's way: dataset rows become samples in actors/trainer; nothing here knows Torch, Parquet
// or protobuf. Token ids are those of actors/encoder (its README); a sample of any other vocabulary is
// refused by the checkpoint's `vocabulary_hash`.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "model/expected.hpp"

namespace mendel::model {

// Ids with a meaning of their own; the same numbers as in actors/encoder/tokenizer.hpp.
inline constexpr std::int32_t kPadId = 0;
inline constexpr std::int32_t kEosId = 1;  // ends the new tokens of an edit
inline constexpr std::int32_t kBosId = 2;
inline constexpr std::int32_t kEolId = 3;
inline constexpr std::uint32_t kGridRowsMax = 64, kGridColumnsMax = 48;
inline constexpr std::uint32_t kCallerMarks = 16;
inline constexpr std::uint32_t kCellsMax = kGridRowsMax * kGridColumnsMax;

// Cells [first, end) of the buggy side go, `tokens` stand there instead; first = end inserts.
struct SpanEdit {
  std::uint32_t first = 0, end = 0;
  std::vector<std::int32_t> tokens;
  bool operator==(const SpanEdit&) const = default;
};

// The *cell sequence* of a function: its grid read row by row without <pad> and <cont>.
struct Sample {
  std::vector<std::int16_t> cells;  // [T] token ids, 1 <= T <= kCellsMax
  std::vector<std::uint8_t> rows;  // [T] row of the cell in the grid, 0..63
  std::vector<std::uint8_t> columns;  // [T] column, 0..47
  std::vector<std::uint8_t> marks;  // [T] what the caller knows of a cell beside its token, 0 to kCallerMarks - 1; empty: all 0
  std::optional<SpanEdit> edit;  // nothing: a clean function
};

// True if both edits turn `cells` into the same text: among equal tokens an insertion has several places.
bool same_repair(const std::vector<std::int16_t>& cells, const SpanEdit& a, const SpanEdit& b);

class SampleSet;

// Samples in blocks of neighbours: indices run through the blocks in order. Where all are too many for the memory,
// some blocks are read at a time (loader.hpp). Thread-safe; a block is the same however often it is read.
class SampleSource {
 public:
  virtual ~SampleSource() = default;
  virtual std::uint64_t size() const = 0;
  // Samples of each block.
  virtual std::vector<std::uint64_t> blocks() const = 0;
  // How many blocks the memory has room for, beside as many again that are being read; at least 1.
  virtual std::uint64_t blocks_held_max() const = 0;
  // io, corrupt: the message names the file.
  virtual Expected<std::shared_ptr<const SampleSet>> read(std::uint64_t block) const = 0;
};

// Random access to samples in memory, one block. The same index gives the same sample for the life of the set.
class SampleSet : public SampleSource {
 public:
  virtual std::uint32_t cells(std::uint64_t index) const = 0;  // T of the sample, cheap: batches are made by it
  virtual Sample sample(std::uint64_t index) const = 0;

  std::vector<std::uint64_t> blocks() const final { return {size()}; }
  std::uint64_t blocks_held_max() const final { return 1; }
  // Owns nothing: the set must outlive it.
  Expected<std::shared_ptr<const SampleSet>> read(std::uint64_t) const final { return std::shared_ptr<const SampleSet>(std::shared_ptr<void>(), this); }
};

}  // namespace mendel::model
