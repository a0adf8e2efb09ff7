// The safetensors format, read with suspicion and written whole or not at all.
#include "safetensors.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <set>
#include <utility>

#include "json.hpp"

namespace mendel::model {
namespace {

constexpr std::uint64_t kLengthBytes = 8;
constexpr std::pair<std::string_view, std::uint64_t> kTypes[] = {{"F64", 8}, {"F32", 4}, {"F16", 2}, {"BF16", 2}, {"I64", 8},
                                                                 {"I32", 4}, {"I16", 2}, {"I8", 1},  {"U8", 1},   {"BOOL", 1}};

constexpr const char* kChecksum = "mendel.checksum";
constexpr std::size_t kReadAtOnce = 1 << 20;

class Checksum {
 public:
  // Lengths go in too, so that nothing moves from one text to the next unseen.
  explicit Checksum(const Metadata& metadata) {
    for (const auto& [key, value] : metadata)
      for (const auto* text : {&key, &value}) {
        const auto size = static_cast<std::uint64_t>(text->size());
        add(&size, sizeof size);
        add(text->data(), text->size());
      }
  }
  void add(const void* data, std::size_t size) {
    const auto* bytes = static_cast<const unsigned char*>(data);
    for (std::size_t i = 0; i < size; ++i) hash_ = (hash_ ^ bytes[i]) * 0x100000001b3;
  }
  std::string text() const {
    char out[17];
    std::snprintf(out, sizeof out, "%016llx", static_cast<unsigned long long>(hash_));
    return out;
  }

 private:
  std::uint64_t hash_ = 0xcbf29ce484222325;
};

Failure corrupt(const std::string& file, const std::string& what) { return {Fault::corrupt, file + ": " + what + "; the file is damaged or of another kind"}; }
Failure io(const std::string& file, const std::string& what) { return {Fault::io, file + ": cannot " + what + ": " + std::strerror(errno)}; }

// Bytes of a tensor of that type and shape; a message if they overflow.
std::string size_fault(const TensorEntry& t, std::uint64_t& bytes) {
  const auto element = element_bytes(t.type);
  if (element == 0) return "dtype \"" + t.type + "\" is unknown";
  bytes = element;
  for (const auto extent : t.shape) {
    const auto n = static_cast<std::uint64_t>(extent);
    if (n != 0 && bytes > (std::uint64_t{1} << 62) / n) return "shape overflows";
    bytes *= n;
  }
  return {};
}

void read_naturals(JsonReader& json, std::size_t most, std::vector<std::uint64_t>& out) {
  json.expect('[');
  if (json.take(']')) return;
  do {
    if (out.size() == most) json.fail("a list of more than " + std::to_string(most) + " numbers");
    out.push_back(json.natural());
  } while (!json.failed() && json.take(','));
  json.expect(']');
}

TensorEntry read_entry(JsonReader& json, const std::string& name) {
  TensorEntry t;
  t.name = name;
  std::set<std::string> seen;
  json.expect('{');
  do {
    const auto field = json.string();
    json.expect(':');
    if (!json.failed() && !seen.insert(field).second) json.fail("field " + field + " twice in tensor " + name);
    std::vector<std::uint64_t> numbers;
    if (field == "dtype") {
      t.type = json.string();
    } else if (field == "shape") {
      read_naturals(json, kDimensionsMax, numbers);
      for (const auto n : numbers) t.shape.push_back(static_cast<std::int64_t>(n));
    } else if (field == "data_offsets") {
      read_naturals(json, 2, numbers);
      if (!json.failed() && numbers.size() != 2) json.fail("data_offsets without two numbers in tensor " + name);
      if (numbers.size() == 2) t.begin = numbers[0], t.end = numbers[1];
    } else {
      json.fail("unknown field " + field + " in tensor " + name);
    }
  } while (!json.failed() && json.take(','));
  json.expect('}');
  if (!json.failed() && seen.size() != 3) json.fail("dtype, shape or data_offsets missing in tensor " + name);
  return t;
}

void read_metadata(JsonReader& json, Metadata& out) {
  std::size_t bytes = 0;
  json.expect('{');
  if (json.take('}')) return;
  do {
    auto key = json.string();
    json.expect(':');
    auto value = json.string();
    bytes += key.size() + value.size();
    if (bytes > kMetadataBytesMax) json.fail("metadata of more than " + std::to_string(kMetadataBytesMax) + " bytes");
    if (!json.failed() && !out.emplace(std::move(key), std::move(value)).second) json.fail("a metadata key twice");
  } while (!json.failed() && json.take(','));
  json.expect('}');
}

std::string layout_fault(std::vector<TensorEntry>& tensors, std::uint64_t data_bytes) {
  for (const auto& t : tensors) {
    std::uint64_t bytes = 0;
    if (const auto why = size_fault(t, bytes); !why.empty()) return "tensor " + t.name + ": " + why;
    if (t.begin > t.end || t.end > data_bytes)
      return "tensor " + t.name + ": data_offsets reach to byte " + std::to_string(t.end) + " of " + std::to_string(data_bytes);
    if (t.end - t.begin != bytes)
      return "tensor " + t.name + ": data_offsets hold " + std::to_string(t.end - t.begin) + " bytes, its shape needs " + std::to_string(bytes);
  }
  std::stable_sort(tensors.begin(), tensors.end(),
                   [](const auto& a, const auto& b) { return std::pair(a.begin, a.end) < std::pair(b.begin, b.end); });
  std::uint64_t at = 0;
  for (const auto& t : tensors) {
    if (t.begin < at) return "tensor " + t.name + ": overlaps another tensor";
    if (t.begin > at) return "tensor " + t.name + ": a hole of " + std::to_string(t.begin - at) + " bytes before it";
    at = t.end;
  }
  if (at != data_bytes) return std::to_string(data_bytes - at) + " bytes after the last tensor";
  return {};
}

bool write_all(int file, const void* data, std::uint64_t bytes) {
  const char* at = static_cast<const char*>(data);
  while (bytes > 0) {
    const auto n = ::write(file, at, std::min<std::uint64_t>(bytes, 1u << 30));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    at += n;
    bytes -= static_cast<std::uint64_t>(n);
  }
  return true;
}

bool read_all(int file, void* out, std::uint64_t bytes, std::uint64_t from) {
  char* at = static_cast<char*>(out);
  while (bytes > 0) {
    const auto n = ::pread(file, at, std::min<std::uint64_t>(bytes, 1u << 30), static_cast<off_t>(from));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    at += n;
    from += static_cast<std::uint64_t>(n);
    bytes -= static_cast<std::uint64_t>(n);
  }
  return true;
}

}  // namespace

std::uint64_t element_bytes(std::string_view type) {
  for (const auto& [name, bytes] : kTypes)
    if (name == type) return bytes;
  return 0;
}

Expected<TensorHeader> parse_tensor_header(std::string_view text, std::uint64_t file_bytes, const std::string& file) {
  TensorHeader header;
  header.data_begin = kLengthBytes + text.size();
  if (file_bytes < header.data_begin) return corrupt(file, "ends within its header");
  JsonReader json(text);
  std::set<std::string> names;
  json.expect('{');
  if (!json.take('}')) {
    do {
      const auto name = json.string();
      json.expect(':');
      if (json.failed()) break;
      if (!names.insert(name).second) json.fail("tensor " + name + " twice");
      else if (names.size() > kTensorsMax) json.fail("more than " + std::to_string(kTensorsMax) + " tensors");
      else if (name == "__metadata__") read_metadata(json, header.metadata);
      else header.tensors.push_back(read_entry(json, name));
    } while (!json.failed() && json.take(','));
    json.expect('}');
  }
  if (!json.failed() && !json.at_end()) json.fail("text after the header's end");
  if (json.failed()) return corrupt(file, json.why());
  if (const auto why = layout_fault(header.tensors, file_bytes - header.data_begin); !why.empty()) return corrupt(file, why);
  if (const auto own = header.metadata.extract(kChecksum)) header.checksum = own.mapped();
  return header;
}

Expected<TensorFile> TensorFile::open(const std::filesystem::path& path) {
  TensorFile out;
  out.name_ = path.string();
  out.file_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (out.file_ < 0) {
    if (errno == ENOENT) return Failure{Fault::not_found, out.name_ + ": no such file"};
    return io(out.name_, "open");
  }
  struct stat info;
  if (::fstat(out.file_, &info) != 0) return io(out.name_, "look up");
  if (!S_ISREG(info.st_mode)) return Failure{Fault::invalid, out.name_ + ": is no regular file"};
  const auto size = static_cast<std::uint64_t>(info.st_size);
  std::array<unsigned char, kLengthBytes> raw{};
  if (size < kLengthBytes + 2) return corrupt(out.name_, "has " + std::to_string(size) + " bytes, too few for a header");
  if (!read_all(out.file_, raw.data(), raw.size(), 0)) return io(out.name_, "read");
  std::uint64_t length = 0;
  for (std::size_t i = kLengthBytes; i-- > 0;) length = length << 8 | raw[i];
  if (length > size - kLengthBytes || length > kHeaderBytesMax) {
    if (raw[0] == 0x80 && raw[1] <= 5) return corrupt(out.name_, "is a Python pickle, which may run code and is never read");
    if (raw[0] == 'P' && raw[1] == 'K') return corrupt(out.name_, "is a zip archive (a .pt file?), not safetensors");
    return corrupt(out.name_, "the header's length is " + std::to_string(length) + " bytes; the file has " + std::to_string(size) + ", at most " +
                                  std::to_string(kHeaderBytesMax) + " are read");
  }
  std::string text(static_cast<std::size_t>(length), '\0');
  if (!read_all(out.file_, text.data(), length, kLengthBytes)) return io(out.name_, "read the header of");
  auto header = parse_tensor_header(text, size, out.name_);
  if (!header) return header.failure();
  out.header_ = std::move(*header);
  return out;
}

TensorFile::~TensorFile() {
  if (file_ >= 0) ::close(file_);
}

TensorFile::TensorFile(TensorFile&& other) noexcept
    : file_(std::exchange(other.file_, -1)), name_(std::move(other.name_)), header_(std::move(other.header_)) {}

const TensorEntry* TensorFile::find(std::string_view name) const {
  for (const auto& t : header_.tensors)
    if (t.name == name) return &t;
  return nullptr;
}

Expected<bool> TensorFile::read(const TensorEntry& entry, void* out) const {
  if (!read_all(file_, out, entry.end - entry.begin, header_.data_begin + entry.begin)) return io(name_, "read tensor " + entry.name + " of");
  return true;
}

Expected<bool> TensorFile::verify() const {
  if (header_.checksum.empty()) return true;
  Checksum sum(header_.metadata);
  std::vector<char> buffer(kReadAtOnce);
  for (const auto& t : header_.tensors)
    for (auto at = t.begin; at < t.end;) {
      const auto size = std::min<std::uint64_t>(t.end - at, buffer.size());
      if (!read_all(file_, buffer.data(), size, header_.data_begin + at)) return io(name_, "read tensor " + t.name + " of");
      sum.add(buffer.data(), size);
      at += size;
    }
  if (sum.text() != header_.checksum) return corrupt(name_, "has bytes with the checksum " + sum.text() + ", written were " + header_.checksum);
  return true;
}

Expected<bool> write_whole(const std::filesystem::path& path, const std::function<bool(int file)>& write) {
  const auto folder = path.parent_path().empty() ? std::filesystem::path(".") : path.parent_path();
  auto beside = path;
  beside += ".new";
  const int file = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) return io(beside.string(), "create");
  const bool written = write(file) && ::fsync(file) == 0;
  const int error = errno;
  ::close(file);
  errno = error;
  if (!written) {
    auto failure = io(beside.string(), "write");
    ::unlink(beside.c_str());
    return failure;
  }
  if (::rename(beside.c_str(), path.c_str()) != 0) return io(path.string(), "replace");
  const int parent = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (parent < 0) return io(folder.string(), "open");
  const bool synced = ::fsync(parent) == 0;
  ::close(parent);
  if (!synced) return io(folder.string(), "sync");
  return true;
}

Expected<bool> write_tensors(const std::filesystem::path& path, const std::vector<TensorBytes>& tensors, const Metadata& metadata) {
  std::uint64_t at = 0;
  std::vector<std::uint64_t> sizes;
  Checksum sum(metadata);
  for (const auto& t : tensors) {
    std::uint64_t bytes = 0;
    if (const auto why = size_fault({t.name, t.type, t.shape, 0, 0}, bytes); !why.empty()) return Failure{Fault::invalid, path.string() + ": tensor " + t.name + ": " + why};
    sum.add(t.data, bytes);
    sizes.push_back(bytes);
  }
  auto all = metadata;
  all[kChecksum] = sum.text();
  std::string header = "{\"__metadata__\":{";
  for (const auto& [key, value] : all) header += (header.back() == '{' ? "" : ",") + json_string(key) + ":" + json_string(value);
  header += '}';
  for (std::size_t k = 0; k < tensors.size(); ++k) {
    const auto& t = tensors[k];
    header += "," + json_string(t.name) + ":{\"dtype\":\"" + t.type + "\",\"shape\":[";
    for (std::size_t i = 0; i < t.shape.size(); ++i) header += (i ? "," : "") + std::to_string(t.shape[i]);
    header += "],\"data_offsets\":[" + std::to_string(at) + "," + std::to_string(at + sizes[k]) + "]}";
    at += sizes[k];
  }
  header += '}';
  while (header.size() % kLengthBytes != 0) header += ' ';
  return write_whole(path, [&](int file) {
    std::array<unsigned char, kLengthBytes> length{};
    for (std::size_t i = 0; i < kLengthBytes; ++i) length[i] = static_cast<unsigned char>(header.size() >> (8 * i));
    if (!write_all(file, length.data(), length.size()) || !write_all(file, header.data(), header.size())) return false;
    for (std::size_t i = 0; i < tensors.size(); ++i)
      if (!write_all(file, tensors[i].data, sizes[i])) return false;
    return true;
  });
}

}  // namespace mendel::model
