// What the models see of a function: its packed real cells, and the one edit that repairs it.
//
// On the data's way: dataset rows become samples in actors/trainer; nothing here knows Torch, Parquet
// or protobuf. Token ids are those of actors/encoder (its README); a sample of any other vocabulary is
// refused by the checkpoint's `vocabulary_hash`.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

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

// Random access to samples that lie elsewhere. Thread-safe for reads; the same index gives the same
// sample for the life of the set.
class SampleSet {
 public:
  virtual ~SampleSet() = default;
  virtual std::uint64_t size() const = 0;
  virtual std::uint32_t cells(std::uint64_t index) const = 0;  // T of the sample, cheap: batches are made by it
  virtual Sample sample(std::uint64_t index) const = 0;
};

}  // namespace mendel::model
