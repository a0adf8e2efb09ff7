// Files in the safetensors format: 8 bytes little-endian length of a JSON header, the header, then the
// tensors' bytes without gaps. Own reader and writer; no Torch here.
//
// The reader trusts nothing: every name, type, shape and offset is checked against the file's size before
// any tensor's memory is taken, and a refusal names the file, the field and what is wrong. The writer's
// files are read by the format's own Python library. A metadata string of the writer's own, mendel.checksum, is
// FNV-1a (64 bits, hexadecimal) over the other metadata and the tensors' bytes: no bit can flip unseen.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "model/expected.hpp"

namespace mendel::model {

struct TensorEntry {
  std::string name;
  std::string type;  // F64, F32, F16, BF16, I64, I32, I16, I8, U8, BOOL
  std::vector<std::int64_t> shape;
  std::uint64_t begin = 0, end = 0;  // in the file's tensor bytes
  bool operator==(const TensorEntry&) const = default;
};

using Metadata = std::map<std::string, std::string>;

struct TensorHeader {
  std::vector<TensorEntry> tensors;  // ascending begin
  Metadata metadata;  // without the checksum
  std::string checksum;  // empty: a file of another writer
  std::uint64_t data_begin = 0;  // in the file
};

inline constexpr std::uint64_t kHeaderBytesMax = 16u << 20;
inline constexpr std::size_t kDimensionsMax = 8, kTensorsMax = 65536, kMetadataBytesMax = 8u << 20;

// Bytes of one element; 0 for an unknown type.
std::uint64_t element_bytes(std::string_view type);

// Checks a header against `file_bytes`, the size of the whole file. `file` only names it in the refusal.
Expected<TensorHeader> parse_tensor_header(std::string_view json, std::uint64_t file_bytes, const std::string& file);

// An open file whose header has been checked.
class TensorFile {
 public:
  static Expected<TensorFile> open(const std::filesystem::path& path);
  ~TensorFile();
  TensorFile(TensorFile&& other) noexcept;
  TensorFile& operator=(TensorFile&&) = delete;

  const TensorHeader& header() const { return header_; }
  const TensorEntry* find(std::string_view name) const;
  // Reads all once: corrupt if the bytes are not those of the checksum. A file without one passes.
  Expected<bool> verify() const;
  // Reads a tensor's bytes to `out`, which has end - begin bytes. io if the file ended meanwhile.
  Expected<bool> read(const TensorEntry& entry, void* out) const;
  const std::string& name() const { return name_; }

 private:
  TensorFile() = default;
  int file_ = -1;
  std::string name_;
  TensorHeader header_;
};

struct TensorBytes {
  std::string name, type;
  std::vector<std::int64_t> shape;
  const void* data;  // must live until the call returns
};

// Writes beside `path`, syncs, renames: afterwards there is the old file or the new one, whole. Tensors in
// the order given, the header padded so that they begin at a multiple of 8; the same input, the same bytes.
Expected<bool> write_tensors(const std::filesystem::path& path, const std::vector<TensorBytes>& tensors, const Metadata& metadata);

// Replaces a file's content in the same way.
Expected<bool> write_whole(const std::filesystem::path& path, const std::function<bool(int file)>& write);

}  // namespace mendel::model
