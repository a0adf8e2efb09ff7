// Rows into Parquet, a row group at a time, so that memory does not grow with the shard, and back through
// Arrow.
#include "storage/parquet_shard.hpp"

#include <arrow/api.h>
#include <arrow/io/file.h>
#include <arrow/ipc/writer.h>
#include <arrow/util/base64.h>
#include <arrow/util/key_value_metadata.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/schema.h>
#include <parquet/exception.h>
#include <parquet/file_writer.h>

#include "storage/dataset_schema.hpp"
#include "storage/durable_file.hpp"
#include "storage/row_group.hpp"

namespace mendel::storage {
namespace {

constexpr std::int64_t kReadRows = 256;

Error failure(const std::filesystem::path& file, const std::string& what, ErrorCode code = ErrorCode::io_error) {
  return {code, file.string() + ": " + what};
}

std::shared_ptr<parquet::WriterProperties> writer_properties(int compression_level) {
  parquet::WriterProperties::Builder builder;
  builder.version(parquet::ParquetVersion::PARQUET_2_6)->data_page_version(parquet::ParquetDataPageVersion::V1);
    builder.set_size_statistics_level(parquet::SizeStatisticsLevel::None);
  builder.created_by("mendel")->compression(parquet::Compression::ZSTD)->compression_level(compression_level);
  builder.disable_dictionary("id");  // ids never repeat
  return builder.build();
}

// What tells readers that grids are fixed lists of int16, which Parquet itself cannot say.
arrow::Result<std::shared_ptr<arrow::KeyValueMetadata>> arrow_metadata() {
  ARROW_ASSIGN_OR_RAISE(const auto schema, arrow::ipc::SerializeSchema(*dataset_schema()));
  return arrow::key_value_metadata({{"ARROW:schema", arrow::util::base64_encode(std::string_view(*schema))}});
}

class ParquetShardWriter final : public ShardWriter {
 public:
  ParquetShardWriter(std::filesystem::path file, std::shared_ptr<arrow::io::FileOutputStream> out, std::shared_ptr<parquet::SchemaDescriptor> schema,
                     std::shared_ptr<parquet::WriterProperties> properties, std::shared_ptr<arrow::KeyValueMetadata> metadata)
      : file_(std::move(file)), out_(std::move(out)), schema_(std::move(schema)), properties_(std::move(properties)),
        key_values_(std::move(metadata)), metadata_(parquet::FileMetaDataBuilder::Make(schema_.get(), properties_)) {}

  Outcome begin() {
    return checked([&] { PARQUET_THROW_NOT_OK(out_->Write(kMagic, sizeof kMagic - 1)); });
  }

  Outcome add(const Row& row) override {
    return checked([&] {
      if (!group_) group_ = std::make_unique<RowGroup>(out_, *metadata_->AppendRowGroup(), *properties_, groups_++);
      group_->add(row);
      if (group_->rows() == kRowGroupRows) close_group();
    });
  }

  Outcome finish() override {
    auto written = checked([&] {
      close_group();
      parquet::WriteFileMetaData(*metadata_->Finish(key_values_), out_.get());
      PARQUET_THROW_NOT_OK(out_->Close());
    });
    return written ? sync_path(file_) : written;
  }

 private:
  static constexpr char kMagic[] = "PAR1";

  Outcome checked(const std::function<void()>& work) try {
    work();
    return Done{};
  } catch (const parquet::ParquetException& error) {
    return failure(file_, error.what());
  }

  void close_group() {
    if (group_) group_->close();
    group_.reset();
  }

  std::filesystem::path file_;
  std::shared_ptr<arrow::io::FileOutputStream> out_;
  std::shared_ptr<parquet::SchemaDescriptor> schema_;
  std::shared_ptr<parquet::WriterProperties> properties_;
  std::shared_ptr<arrow::KeyValueMetadata> key_values_;
  std::unique_ptr<parquet::FileMetaDataBuilder> metadata_;
  std::unique_ptr<RowGroup> group_;
  std::int16_t groups_ = 0;
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
  const auto properties = writer_properties(compression_level);
  std::shared_ptr<parquet::SchemaDescriptor> schema;
  if (const auto made = parquet::arrow::ToParquetSchema(dataset_schema().get(), *properties, &schema); !made.ok()) return failure(file, made.ToString());
  const auto metadata = arrow_metadata();
  if (!metadata.ok()) return failure(file, metadata.status().ToString());
  auto writer = std::make_unique<ParquetShardWriter>(file, *out, std::move(schema), properties, *metadata);
  if (auto begun = writer->begin(); !begun) return begun.error();
  return std::unique_ptr<ShardWriter>(std::move(writer));
}

Result<bool> read_shard(const std::filesystem::path& file, const std::function<Result<bool>(const Row&)>& visit) {
  try {
    return read_shard_or_throw(file, visit);
  } catch (const parquet::ParquetException& error) {  // of damaged pages
    return failure(file, error.what(), ErrorCode::corrupt);
  }
}

}  // namespace mendel::storage
