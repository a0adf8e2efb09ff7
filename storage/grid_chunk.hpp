// One column of grids inside a row group, written page by page without looking at each cell.
//
// A grid is mostly padding, and its levels are the same for every row: both are known, so they are put as
// runs. Cells are indices of a dictionary, 16 bits each: aligned, so that zstd finds what repeats (a
// general writer packs them into 13 bits, finds every cell in a hash table and counts every level).
#pragma once

#include <parquet/column_writer.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace mendel::storage {

// Not thread-safe. Throws ParquetException as the rest of that library does.
class GridChunk {
 public:
  // `pages` writes straight into the file: nothing else may be written between close's first and last page.
  explicit GridChunk(std::unique_ptr<parquet::PageWriter> pages);
  // 64x48 ids from 0 on, row-major int16 little-endian.
  void add(std::string_view grid);
  void close();
  // Bytes of all pages before compression, known after close.
  std::int64_t bytes() const { return bytes_; }

 private:
  struct Page {
    std::shared_ptr<arrow::Buffer> compressed;
    std::int64_t bytes;
    std::int32_t cells;
  };
  void append_cells(const std::uint16_t* cells, std::size_t eights);
  void append_run(std::size_t cells);
  void finish_page();

  std::unique_ptr<parquet::PageWriter> pages_;
  std::array<std::uint16_t, 32768> index_;  // by id; in the order of their first cell
  std::vector<std::int32_t> dictionary_;
  std::vector<std::uint8_t> values_;  // of the page so far, without its levels
  std::vector<Page> finished_;
  std::size_t rows_ = 0;  // of the page so far
  std::size_t padding_ = 0;  // cells of padding that no run holds yet
  std::int64_t bytes_ = 0;
};

}  // namespace mendel::storage
