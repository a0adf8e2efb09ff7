// Rows through Arrow into Parquet and back, a row group at a time, so that memory does not grow with
// the shard.
#include "storage/parquet_shard.hpp"

#include <arrow/api.h>
#include <arrow/io/file.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/writer.h>
#include <parquet/exception.h>

#include "storage/dataset_schema.hpp"
#include "storage/durable_file.hpp"

namespace mendel::storage {
namespace {

constexpr std::int64_t kReadRows = 256;
constexpr std::int64_t kLevelsAtOnce = 16384;  // the default of 1,024 is less than one grid

Error failure(const std::filesystem::path& file, const std::string& what, ErrorCode code = ErrorCode::io_error) {
  return {code, file.string() + ": " + what};
}

std::shared_ptr<parquet::WriterProperties> writer_properties(int compression_level) {
  parquet::WriterProperties::Builder builder;
  builder.version(parquet::ParquetVersion::PARQUET_2_6)->data_page_version(parquet::ParquetDataPageVersion::V1);
  builder.max_row_group_length(kRowGroupRows)->write_batch_size(kLevelsAtOnce);
  builder.set_size_statistics_level(parquet::SizeStatisticsLevel::None);
  builder.created_by("mendel")->compression(parquet::Compression::ZSTD)->compression_level(compression_level);
  // Ids never repeat, and cells of a row group are too many different values for a dictionary to pay.
  builder.disable_dictionary("id");
  builder.disable_statistics("buggy_grid.list.element")->disable_statistics("fixed_grid.list.element");
  return builder.build();
}

class ArrowShardWriter final : public ShardWriter {
 public:
  ArrowShardWriter(std::filesystem::path file, std::shared_ptr<arrow::io::FileOutputStream> out, std::unique_ptr<parquet::arrow::FileWriter> writer)
      : file_(std::move(file)), out_(std::move(out)), writer_(std::move(writer)) {}

  Outcome add(const Row& row) override {
    if (auto added = columns_.add(row); !added) return failure(file_, added.error().what);
    return columns_.rows() < kBatchRows ? Outcome(Done{}) : flush();
  }

  Outcome finish() override {
    if (columns_.rows() > 0)
      if (auto flushed = flush(); !flushed) return flushed;
    for (const auto& status : {writer_->Close(), out_->Close()})
      if (!status.ok()) return failure(file_, status.ToString());
    return sync_path(file_);
  }

 private:
  Outcome flush() {
    const auto batch = columns_.take();
    if (!batch) return failure(file_, batch.error().what);
    const auto status = writer_->WriteRecordBatch(**batch);
    return status.ok() ? Outcome(Done{}) : failure(file_, status.ToString());
  }

  std::filesystem::path file_;
  std::shared_ptr<arrow::io::FileOutputStream> out_;
  std::unique_ptr<parquet::arrow::FileWriter> writer_;
  ColumnBuilder columns_;
};

Result<bool> read_batches(const std::filesystem::path& file, parquet::arrow::FileReader& reader,
                          const std::function<Result<bool>(const Row&)>& visit) {
  auto batches = reader.GetRecordBatchReader();
  if (!batches.ok()) return failure(file, batches.status().ToString(), ErrorCode::corrupt);
  std::uint64_t first_row = 0;
  for (;;) {
    std::shared_ptr<arrow::RecordBatch> batch;
    const auto status = (*batches)->ReadNext(&batch);
    if (!status.ok()) return failure(file, "row " + std::to_string(first_row) + " or later: " + status.ToString(), ErrorCode::corrupt);
    if (!batch) return true;
    bool more = true;
    const auto read = each_row(*batch, first_row, [&](const Row& row) -> Result<bool> {
      auto answer = visit(row);
      more = answer && *answer;
      return answer;
    });
    if (!read) return failure(file, read.error().what, read.error().code);
    if (!more) return false;
    first_row += static_cast<std::uint64_t>(batch->num_rows());
  }
}

Result<bool> read_shard_or_throw(const std::filesystem::path& file, const std::function<Result<bool>(const Row&)>& visit) {
  auto in = arrow::io::ReadableFile::Open(file.string());
  if (!in.ok()) return failure(file, in.status().ToString());
  parquet::arrow::FileReaderBuilder builder;
  if (const auto opened = builder.Open(*in); !opened.ok()) return failure(file, opened.ToString(), ErrorCode::corrupt);
  parquet::ArrowReaderProperties properties(/*use_threads=*/false);
  properties.set_batch_size(kReadRows);
  auto reader = builder.properties(properties)->Build();
  if (!reader.ok()) return failure(file, reader.status().ToString(), ErrorCode::corrupt);
  std::shared_ptr<arrow::Schema> schema;
  if (const auto status = (*reader)->GetSchema(&schema); !status.ok()) return failure(file, status.ToString(), ErrorCode::corrupt);
  if (auto same = check_schema(*schema); !same) return failure(file, same.error().what, ErrorCode::corrupt);
  return read_batches(file, **reader, visit);
}

}  // namespace

Result<std::unique_ptr<ShardWriter>> ShardWriter::create(const std::filesystem::path& file, int compression_level) {
  auto out = arrow::io::FileOutputStream::Open(file.string());
  if (!out.ok()) return failure(file, out.status().ToString());
  parquet::ArrowWriterProperties::Builder arrow_properties;
  arrow_properties.store_schema()->set_use_threads(false);
  auto writer = parquet::arrow::FileWriter::Open(*dataset_schema(), arrow::default_memory_pool(), *out,
                                                 writer_properties(compression_level), arrow_properties.build());
  if (!writer.ok()) return failure(file, writer.status().ToString());
  return std::unique_ptr<ShardWriter>(std::make_unique<ArrowShardWriter>(file, *out, std::move(*writer)));
}

Result<bool> read_shard(const std::filesystem::path& file, const std::function<Result<bool>(const Row&)>& visit) {
  try {
    return read_shard_or_throw(file, visit);
  } catch (const parquet::ParquetException& error) {  // of damaged pages
    return failure(file, error.what(), ErrorCode::corrupt);
  }
}

}  // namespace mendel::storage
