// Pages of Parquet's format, version 1: repetition levels, definition levels, then indices, each as runs
// ("RLE/bit-packing hybrid").
#include "storage/grid_chunk.hpp"

#include <arrow/buffer.h>
#include <arrow/memory_pool.h>
#include <parquet/column_page.h>

#include <bit>
#include <cstring>

#include "storage/dataset_schema.hpp"

namespace mendel::storage {
namespace {

static_assert(std::endian::native == std::endian::little, "grids and pages are little-endian");

constexpr std::size_t kPageRows = 2048;
constexpr std::size_t kCellsOfRow = kGridCellCount / kGridRowCount;
constexpr std::uint8_t kIndexBits = 16;
constexpr std::uint16_t kUnseen = 0xFFFF;
constexpr std::uint16_t kPadding = 0;  // id and, as the first entry, index

void put_varint(std::vector<std::uint8_t>& out, std::size_t value) {
  for (; value >= 128; value >>= 7) out.push_back(static_cast<std::uint8_t>(value | 128));
  out.push_back(static_cast<std::uint8_t>(value));
}

void put_level_size(std::vector<std::uint8_t>& out, std::size_t size) {
  for (int i = 0; i < 4; ++i) out.push_back(static_cast<std::uint8_t>(size >> (8 * i)));
}

// A list begins at the first cell of each row and goes on with the others; every cell is there.
std::vector<std::uint8_t> levels_of(std::size_t rows) {
  std::vector<std::uint8_t> row{1 << 1 | 1, 0b11111110};  // one group of eight levels: 0, then ones
  put_varint(row, (kGridCellCount - 8) << 1);  // the rest is one run of ones
  row.push_back(1);
  std::vector<std::uint8_t> present;
  put_varint(present, rows * kGridCellCount << 1);
  present.push_back(1);
  std::vector<std::uint8_t> out;
  put_level_size(out, rows * row.size());
  for (std::size_t i = 0; i < rows; ++i) out.insert(out.end(), row.begin(), row.end());
  put_level_size(out, present.size());
  out.insert(out.end(), present.begin(), present.end());
  return out;
}

// Cells up to the last that is no padding, in groups of eight.
std::size_t eights_in_use(const std::uint16_t* cells) {
  std::size_t eights = kCellsOfRow / 8;
  for (std::uint64_t pair[2]; eights > 0; --eights) {
    std::memcpy(pair, cells + (eights - 1) * 8, sizeof pair);
    if ((pair[0] | pair[1]) != 0) break;
  }
  return eights;
}

}  // namespace

GridChunk::GridChunk(std::unique_ptr<parquet::PageWriter> pages) : pages_(std::move(pages)), dictionary_{kPadding} {
  index_.fill(kUnseen);
  index_[kPadding] = 0;
}

void GridChunk::add(std::string_view grid) {
  std::array<std::uint16_t, kGridCellCount> cells;
  std::memcpy(cells.data(), grid.data(), sizeof cells);
  for (std::size_t row = 0; row < kGridRowCount; ++row) {
    const std::uint16_t* first = cells.data() + row * kCellsOfRow;
    const std::size_t eights = eights_in_use(first);
    if (eights > 0) append_cells(first, eights);
    padding_ += kCellsOfRow - eights * 8;
  }
  if (++rows_ == kPageRows) finish_page();
}

void GridChunk::append_cells(const std::uint16_t* cells, std::size_t eights) {
  append_run(padding_);
  padding_ = 0;
  put_varint(values_, eights << 1 | 1);
  const std::size_t at = values_.size();
  values_.resize(at + eights * 8 * sizeof(std::uint16_t));
  for (std::size_t i = 0; i < eights * 8; ++i) {
    std::uint16_t& index = index_[cells[i]];
    if (index == kUnseen) {
      index = static_cast<std::uint16_t>(dictionary_.size());
      dictionary_.push_back(cells[i]);
    }
    std::memcpy(values_.data() + at + i * sizeof index, &index, sizeof index);
  }
}

void GridChunk::append_run(std::size_t cells) {
  if (cells == 0) return;
  put_varint(values_, cells << 1);
  values_.insert(values_.end(), {0, 0});  // the index of padding
}

void GridChunk::finish_page() {
  if (rows_ == 0) return;
  append_run(padding_);
  padding_ = 0;
  std::vector<std::uint8_t> page = levels_of(rows_);
  page.push_back(kIndexBits);
  page.insert(page.end(), values_.begin(), values_.end());
  auto compressed = parquet::AllocateBuffer(arrow::default_memory_pool(), 0);
  pages_->Compress(arrow::Buffer(page.data(), static_cast<std::int64_t>(page.size())), compressed.get());
  finished_.push_back({std::move(compressed), static_cast<std::int64_t>(page.size()), static_cast<std::int32_t>(rows_ * kGridCellCount)});
  values_.clear();
  rows_ = 0;
}

void GridChunk::close() {
  finish_page();
  const auto dictionary = arrow::Buffer::FromVector(dictionary_);
  bytes_ += pages_->WriteDictionaryPage(parquet::DictionaryPage(dictionary, static_cast<std::int32_t>(dictionary_.size()), parquet::Encoding::PLAIN));
  for (const auto& page : finished_)
    bytes_ += pages_->WriteDataPage(parquet::DataPageV1(page.compressed, page.cells, parquet::Encoding::RLE_DICTIONARY, parquet::Encoding::RLE,
                                                        parquet::Encoding::RLE, page.bytes));
  pages_->Close(/*has_dictionary=*/true, /*fallback=*/false);
}

}  // namespace mendel::storage
