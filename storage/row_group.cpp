// Columns are filled one value at a time: each writer keeps its own page.
#include "storage/row_group.hpp"

#include <arrow/memory_pool.h>
#include <parquet/column_writer.h>
#include <parquet/exception.h>
#include <parquet/properties.h>

#include <variant>
#include <vector>

#include "storage/grid_chunk.hpp"

namespace mendel::storage {
namespace {

// Columns of the file: those of the schema, but a list of edits is three of them.
enum Leaf : std::size_t {
  kId, kBuggyGrid, kFixedGrid, kRowsBuggy, kRowsFixed, kEditFirst, kEditEnd, kEditTokens, kBugClass, kBugType, kOperator, kSource, kRepository,
  kCommit, kPath, kLicense, kCluster, kQuality, kDifficulty, kLevel, kHasBug, kWindowFirstLine, kSymbol, kAttribution, kLeafCount,
};

// How far a value's lists are there (1: the list of edits, 2: its list of tokens), and which of them it goes on with.
constexpr std::int16_t kNoEdit = 0, kEdit = 1, kToken = 2;
constexpr std::int16_t kNewRow = 0, kNextEdit = 1, kNextToken = 2;

}  // namespace

class RowGroup::Columns {
 public:
  Columns(const std::shared_ptr<arrow::io::OutputStream>& out, parquet::RowGroupMetaDataBuilder& metadata, const parquet::WriterProperties& properties,
          std::int16_t ordinal) {
    if (metadata.num_columns() != kLeafCount) throw parquet::ParquetException("the schema has other columns than this version writes");
    for (std::size_t leaf = 0; leaf < kLeafCount; ++leaf) {
      auto* column = metadata.NextColumnChunk();
      const auto path = column->descr()->path();
      const bool grid = leaf == kBuggyGrid || leaf == kFixedGrid;
      auto pages = parquet::PageWriter::Open(out, properties.compression(path), column, ordinal, static_cast<std::int16_t>(leaf),
                                             arrow::default_memory_pool(), /*buffered_row_group=*/!grid, nullptr, nullptr, false, nullptr, nullptr,
                                             *properties.codec_options(path));
      if (grid)
        chunks_[leaf] = std::make_unique<GridChunk>(std::move(pages));
      else
        chunks_[leaf] = parquet::ColumnWriter::Make(column, std::move(pages), &properties);
    }
  }

  void add(const Row& row) {
    grid(kBuggyGrid).add(row.buggy_grid());
    grid(kFixedGrid).add(row.fixed_grid());
    edits(row);
    const std::pair<Leaf, const std::string*> texts[] = {
        {kId, &row.id()}, {kBugClass, &row.bug_class()}, {kBugType, &row.bug_type()}, {kOperator, &row.operator_()}, {kSource, &row.source()},
        {kRepository, &row.repository()}, {kCommit, &row.commit()}, {kPath, &row.path()}, {kLicense, &row.license()}, {kCluster, &row.cluster()},
        {kSymbol, &row.symbol()}, {kAttribution, &row.attribution()}};
    for (const auto& [leaf, text] : texts) put<parquet::ByteArrayWriter>(leaf, parquet::ByteArray(*text));
    const std::pair<Leaf, std::int64_t> numbers[] = {
        {kRowsBuggy, row.rows_buggy()}, {kRowsFixed, row.rows_fixed()}, {kLevel, row.level()}, {kWindowFirstLine, row.window_first_line()}};
    for (const auto& [leaf, number] : numbers) put<parquet::Int32Writer>(leaf, static_cast<std::int32_t>(number));
    put<parquet::DoubleWriter>(kQuality, row.quality());
    put<parquet::DoubleWriter>(kDifficulty, row.difficulty());
    put<parquet::BoolWriter>(kHasBug, row.has_bug());
  }

  // The bytes of all pages before compression.
  std::int64_t close() {
    std::int64_t bytes = 0;
    for (auto& chunk : chunks_) {
      if (auto* grid = std::get_if<std::unique_ptr<GridChunk>>(&chunk)) {
        (*grid)->close();
        bytes += (*grid)->bytes();
      } else {
        bytes += std::get<std::shared_ptr<parquet::ColumnWriter>>(chunk)->Close();
      }
    }
    return bytes;
  }

 private:
  GridChunk& grid(Leaf leaf) { return *std::get<std::unique_ptr<GridChunk>>(chunks_[leaf]); }

  template <class Writer>
  Writer& writer(Leaf leaf) {
    return static_cast<Writer&>(*std::get<std::shared_ptr<parquet::ColumnWriter>>(chunks_[leaf]));
  }

  template <class Writer>
  void put(Leaf leaf, const typename Writer::T& value) {
    writer<Writer>(leaf).WriteBatch(1, nullptr, nullptr, &value);
  }

  void put_level(Leaf leaf, std::int16_t there, std::int16_t goes_on, const std::int32_t* value) {
    writer<parquet::Int32Writer>(leaf).WriteBatch(1, &there, &goes_on, value);
  }

  void edits(const Row& row) {
    if (row.edits().empty())
      for (const auto leaf : {kEditFirst, kEditEnd, kEditTokens}) put_level(leaf, kNoEdit, kNewRow, nullptr);
    std::int16_t goes_on = kNewRow;
    for (const auto& edit : row.edits()) {
      const auto first = static_cast<std::int32_t>(edit.first()), end = static_cast<std::int32_t>(edit.end());
      put_level(kEditFirst, kEdit, goes_on, &first);
      put_level(kEditEnd, kEdit, goes_on, &end);
      if (edit.tokens().empty()) put_level(kEditTokens, kEdit, goes_on, nullptr);
      for (const std::int32_t token : edit.tokens()) {
        put_level(kEditTokens, kToken, goes_on, &token);
        goes_on = kNextToken;
      }
      goes_on = kNextEdit;
    }
  }

  std::variant<std::shared_ptr<parquet::ColumnWriter>, std::unique_ptr<GridChunk>> chunks_[kLeafCount];
};

RowGroup::RowGroup(std::shared_ptr<arrow::io::OutputStream> out, parquet::RowGroupMetaDataBuilder& metadata, const parquet::WriterProperties& properties,
                   std::int16_t ordinal)
    : columns_(std::make_unique<Columns>(out, metadata, properties, ordinal)), metadata_(metadata), ordinal_(ordinal) {}

RowGroup::~RowGroup() = default;

void RowGroup::add(const Row& row) {
  columns_->add(row);
  ++rows_;
}

void RowGroup::close() {
  const std::int64_t bytes = columns_->close();
  metadata_.set_num_rows(rows_);
  metadata_.Finish(bytes, ordinal_);
}

}  // namespace mendel::storage
