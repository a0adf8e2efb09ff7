// Every column is required (no nulls): empty text and empty lists say that there is nothing.
#include "storage/dataset_schema.hpp"

#include <arrow/api.h>

#include <bit>
#include <cstring>

#include "proto/ids.hpp"
#include "storage/dataset.hpp"

namespace mendel::storage {
namespace {

static_assert(std::endian::native == std::endian::little, "grids are little-endian in rows and in memory");

std::shared_ptr<arrow::Field> required(const char* name, std::shared_ptr<arrow::DataType> type) {
  return arrow::field(name, std::move(type), false);
}

std::shared_ptr<arrow::Schema> make_schema() {
  const auto grid = arrow::fixed_size_list(required("element", arrow::int16()), kGridCellCount);
  const auto edit = arrow::struct_({required("first", arrow::int32()), required("end", arrow::int32()),
                                    required("tokens", arrow::list(required("element", arrow::int16())))});
  const auto text = arrow::utf8();
  return arrow::schema({
      required("id", text), required("buggy_grid", grid), required("fixed_grid", grid),
      required("rows_buggy", arrow::int32()), required("rows_fixed", arrow::int32()),
      required("edits", arrow::list(required("element", edit))),
      required("bug_class", text), required("bug_type", text), required("operator", text), required("source", text),
      required("repository", text), required("commit", text), required("path", text), required("license", text),
      required("cluster", text), required("quality", arrow::float64()), required("difficulty", arrow::float64()),
      required("level", arrow::int32()), required("has_bug", arrow::boolean()),
      required("window_first_line", arrow::int32()), required("symbol", text), required("attribution", text),
  });
}

enum ColumnIndex : int {
  kId, kBuggyGrid, kFixedGrid, kRowsBuggy, kRowsFixed, kEdits, kBugClass, kBugType, kOperator, kSource, kRepository,
  kCommit, kPath, kLicense, kCluster, kQuality, kDifficulty, kLevel, kHasBug, kWindowFirstLine, kSymbol, kAttribution,
};

Error wrong(const char* column, std::string what) { return {ErrorCode::invalid_input, std::string(column) + ": " + std::move(what)}; }

Outcome check_grid(const char* column, const std::string& grid, std::uint32_t vocabulary) {
  if (grid.size() != 2 * kGridCellCount) return wrong(column, std::to_string(grid.size()) + " bytes instead of " + std::to_string(2 * kGridCellCount));
  std::uint16_t largest = 0;  // a negative id is a large one
  for (std::size_t at = 0; at < grid.size(); at += 2) {
    std::uint16_t id;
    std::memcpy(&id, grid.data() + at, 2);
    largest = std::max(largest, id);
  }
  if (largest >= vocabulary) return wrong(column, "id " + std::to_string(static_cast<std::int16_t>(largest)) + " is outside 0.." + std::to_string(vocabulary - 1));
  return Done{};
}

}  // namespace

const char* name_of(SplitName split) {
  static constexpr const char* kNames[] = {"train", "validation", "test"};
  return kNames[static_cast<int>(split)];
}

const std::shared_ptr<arrow::Schema>& dataset_schema() {
  static const auto schema = make_schema();
  return schema;
}

Outcome check_row(const Row& row, std::uint32_t vocabulary) {
  if (!PairId::from_hex(row.id())) return wrong("id", "\"" + row.id().substr(0, 40) + "\" is no pair id");
  if (auto grid = check_grid("buggy_grid", row.buggy_grid(), vocabulary); !grid) return grid;
  if (auto grid = check_grid("fixed_grid", row.fixed_grid(), vocabulary); !grid) return grid;
  for (const auto& [name, rows] : {std::pair{"rows_buggy", row.rows_buggy()}, std::pair{"rows_fixed", row.rows_fixed()}})
    if (rows < 1 || rows > kGridRowCount) return wrong(name, std::to_string(rows) + " is outside 1..64");
  for (const auto& edit : row.edits()) {
    if (edit.first() > edit.end() || edit.end() > kGridCellCount)
      return wrong("edits", "span " + std::to_string(edit.first()) + ".." + std::to_string(edit.end()) + " is none");
    for (const auto token : edit.tokens())
      if (token < 0 || static_cast<std::uint32_t>(token) >= vocabulary) return wrong("edits", "token " + std::to_string(token) + " is outside the vocabulary");
  }
  if (!(row.quality() >= 0 && row.quality() <= 1)) return wrong("quality", std::to_string(row.quality()) + " is outside 0..1");
  if (!(row.difficulty() >= 0 && row.difficulty() <= 1)) return wrong("difficulty", std::to_string(row.difficulty()) + " is outside 0..1");
  if (row.level() < 1 || row.level() > kLevelCount) return wrong("level", std::to_string(row.level()) + " is outside 1..5");
  if (row.has_bug() == row.edits().empty()) return wrong("has_bug", "does not fit the edits");
  if (row.window_first_line() < -1) return wrong("window_first_line", std::to_string(row.window_first_line()) + " is below -1");
  return Done{};
}

Outcome check_schema(const arrow::Schema& schema) {
  const auto& expected = *dataset_schema();
  for (int i = 0; i < expected.num_fields(); ++i) {
    const auto& name = expected.field(i)->name();
    if (i >= schema.num_fields() || schema.field(i)->name() != name) return Error{ErrorCode::corrupt, "column " + name + " is missing"};
    if (!schema.field(i)->type()->Equals(*expected.field(i)->type()))
      return Error{ErrorCode::corrupt, "column " + name + " has type " + schema.field(i)->type()->ToString() + " instead of " +
                                           expected.field(i)->type()->ToString()};
  }
  if (schema.num_fields() > expected.num_fields())
    return Error{ErrorCode::corrupt, "column " + schema.field(expected.num_fields())->name() + " does not belong there"};
  return Done{};
}

namespace {

class BatchView {
 public:
  explicit BatchView(const arrow::RecordBatch& batch) : batch_(batch) {
    const auto& edits = as<arrow::ListArray>(kEdits);
    edit_ = &static_cast<const arrow::StructArray&>(*edits.values());
    tokens_ = &static_cast<const arrow::ListArray&>(*edit_->field(2));
  }

  void read(std::int64_t i, Row& row) const {
    row.Clear();
    row.set_id(text(kId, i));
    row.set_buggy_grid(grid(kBuggyGrid, i));
    row.set_fixed_grid(grid(kFixedGrid, i));
    row.set_rows_buggy(static_cast<std::uint32_t>(number(kRowsBuggy, i)));
    row.set_rows_fixed(static_cast<std::uint32_t>(number(kRowsFixed, i)));
    read_edits(i, row);
    row.set_bug_class(text(kBugClass, i));
    row.set_bug_type(text(kBugType, i));
    row.set_operator_(text(kOperator, i));
    row.set_source(text(kSource, i));
    row.set_repository(text(kRepository, i));
    row.set_commit(text(kCommit, i));
    row.set_path(text(kPath, i));
    row.set_license(text(kLicense, i));
    row.set_cluster(text(kCluster, i));
    row.set_quality(as<arrow::DoubleArray>(kQuality).Value(i));
    row.set_difficulty(as<arrow::DoubleArray>(kDifficulty).Value(i));
    row.set_level(static_cast<std::uint32_t>(number(kLevel, i)));
    row.set_has_bug(as<arrow::BooleanArray>(kHasBug).Value(i));
    row.set_window_first_line(number(kWindowFirstLine, i));
    row.set_symbol(text(kSymbol, i));
    row.set_attribution(text(kAttribution, i));
  }

 private:
  template <class Array>
  const Array& as(int column) const {
    return static_cast<const Array&>(*batch_.column(column));
  }
  std::string text(int column, std::int64_t i) const { return as<arrow::StringArray>(column).GetString(i); }
  std::int32_t number(int column, std::int64_t i) const { return as<arrow::Int32Array>(column).Value(i); }
  std::string grid(int column, std::int64_t i) const {
    const auto& list = as<arrow::FixedSizeListArray>(column);
    const auto* ids = static_cast<const arrow::Int16Array&>(*list.values()).raw_values() + list.value_offset(i);
    return std::string(reinterpret_cast<const char*>(ids), 2 * kGridCellCount);
  }
  void read_edits(std::int64_t i, Row& row) const {
    const auto& edits = as<arrow::ListArray>(kEdits);
    const auto& first = static_cast<const arrow::Int32Array&>(*edit_->field(0));
    const auto& end = static_cast<const arrow::Int32Array&>(*edit_->field(1));
    const auto& token = static_cast<const arrow::Int16Array&>(*tokens_->values());
    for (auto e = edits.value_offset(i); e < edits.value_offset(i + 1); ++e) {
      auto& edit = *row.add_edits();
      edit.set_first(static_cast<std::uint32_t>(first.Value(e)));
      edit.set_end(static_cast<std::uint32_t>(end.Value(e)));
      for (auto t = tokens_->value_offset(e); t < tokens_->value_offset(e + 1); ++t) edit.add_tokens(token.Value(t));
    }
  }

  const arrow::RecordBatch& batch_;
  const arrow::StructArray* edit_;
  const arrow::ListArray* tokens_;
};

}  // namespace

Outcome each_row(const arrow::RecordBatch& batch, std::uint64_t first_row, const std::function<Result<bool>(const Row&)>& visit) {
  for (int column = 0; column < batch.num_columns(); ++column)
    if (batch.column(column)->null_count() > 0) return Error{ErrorCode::corrupt, "column " + batch.column_name(column) + ": a value is missing"};
  if (const auto valid = batch.ValidateFull(); !valid.ok()) return Error{ErrorCode::corrupt, valid.ToString()};
  const BatchView view(batch);
  Row row;
  for (std::int64_t i = 0; i < batch.num_rows(); ++i) {
    view.read(i, row);
    const auto more = visit(row);
    if (!more) return Error{more.error().code, "row " + std::to_string(first_row + static_cast<std::uint64_t>(i)) + ", column " + more.error().what};
    if (!*more) return Done{};
  }
  return Done{};
}

}  // namespace mendel::storage
