// Records with their checksums, and the few protobuf fields inside.
#include "actors/trainer/tensorboard.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

namespace mendel::trainer {
namespace {

constexpr std::uint32_t kPolynomial = 0x82f63b78;  // reflected
constexpr std::uint32_t kMask = 0xa282ead8;
constexpr std::uint64_t kStart = 1;  // SessionLog.START
constexpr std::uint32_t kRgb = 3;  // colour space of a picture
constexpr std::uint64_t kStringType = 7;  // DT_STRING
constexpr std::size_t kBuckets = 30;

constexpr std::array<std::uint32_t, 256> make_table() {
  std::array<std::uint32_t, 256> out{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t c = i;
    for (int bit = 0; bit < 8; ++bit) c = (c & 1) ? (c >> 1) ^ kPolynomial : c >> 1;
    out[i] = c;
  }
  return out;
}
constexpr auto kTable = make_table();

template <class T>
void put(std::string& out, T value) {
  static_assert(std::endian::native == std::endian::little);
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  out.append(bytes, sizeof value);
}

void put_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>((value & 0x7f) | 0x80);
  out += static_cast<char>(value);
}

enum Wire : std::uint64_t { kVarint = 0, kDouble = 1, kBytes = 2, kFloat = 5 };
void put_key(std::string& out, std::uint64_t field, Wire wire) { put_varint(out, field << 3 | wire); }

void put_bytes(std::string& out, std::uint64_t field, std::string_view bytes) {
  put_key(out, field, kBytes);
  put_varint(out, bytes.size());
  out += bytes;
}

std::string event(double wall_time_s, std::uint64_t step) {
  std::string out;
  put_key(out, 1, kDouble);
  put(out, wall_time_s);
  put_key(out, 2, kVarint);
  put_varint(out, step);
  return out;
}

void put_double(std::string& out, std::uint64_t field, double value) {
  put_key(out, field, kDouble);
  put(out, value);
}

// min 1, max 2, num 3, sum 4, sum_squares 5, bucket_limit 6 and bucket 7 (packed); empty for no values.
std::string histogram_message(std::span<const double> values) {
  std::vector<double> finite;
  for (const double v : values)
    if (std::isfinite(v)) finite.push_back(v);
  if (finite.empty()) return {};
  const auto [low, high] = std::minmax_element(finite.begin(), finite.end());
  const double width = std::max((*high - *low) / kBuckets, std::numeric_limits<double>::min());
  std::array<double, kBuckets> counts{};
  double sum = 0, squares = 0;
  for (const double v : finite) {
    ++counts[std::min<std::size_t>(kBuckets - 1, static_cast<std::size_t>((v - *low) / width))];
    sum += v;
    squares += v * v;
  }
  std::string out, limits, buckets;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    put(limits, i + 1 == kBuckets ? *high : *low + width * static_cast<double>(i + 1));
    put(buckets, counts[i]);
  }
  put_double(out, 1, *low);
  put_double(out, 2, *high);
  put_double(out, 3, static_cast<double>(finite.size()));
  put_double(out, 4, sum);
  put_double(out, 5, squares);
  put_bytes(out, 6, limits);
  put_bytes(out, 7, buckets);
  return out;
}

std::string record(const std::string& data) {
  std::string head, out;
  put(head, static_cast<std::uint64_t>(data.size()));
  out = head;
  put(out, masked_crc32c(head));
  out += data;
  put(out, masked_crc32c(data));
  return out;
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
  std::uint32_t c = ~0u;
  for (const char byte : bytes) c = kTable[(c ^ static_cast<unsigned char>(byte)) & 0xff] ^ (c >> 8);
  return ~c;
}

std::uint32_t masked_crc32c(std::string_view bytes) {
  const auto c = crc32c(bytes);
  return ((c >> 15) | (c << 17)) + kMask;
}

Result<EventWriter> EventWriter::open(const std::filesystem::path& folder, std::uint64_t step, double wall_time_s) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return Error{ErrorCode::io_error, folder.string() + ": " + error.message()};
  EventWriter out;
  const auto stem = "events.out.tfevents." + std::to_string(static_cast<std::uint64_t>(wall_time_s));
  for (int n = 0; out.path_.empty() || std::filesystem::exists(out.path_, error); ++n) out.path_ = folder / (stem + "." + std::to_string(n) + ".mendel");
  out.file_.open(out.path_, std::ios::binary);
  auto version = event(wall_time_s, 0);
  put_bytes(version, 3, "brain.Event:2");
  std::string status;
  put_key(status, 1, kVarint);
  put_varint(status, kStart);
  auto start = event(wall_time_s, step);
  put_bytes(start, 7, status);
  out.file_ << record(version) << record(start) << std::flush;
  if (!out.file_) return Error{ErrorCode::io_error, out.path_.string() + ": cannot be written"};
  return out;
}

Outcome EventWriter::write(std::uint64_t step, double wall_time_s, const std::vector<Scalar>& scalars) {
  std::string summary;
  for (const auto& scalar : scalars) {
    if (!std::isfinite(scalar.value)) continue;
    std::string value;
    put_bytes(value, 1, scalar.tag);
    put_key(value, 2, kFloat);
    put(value, static_cast<float>(scalar.value));
    put_bytes(summary, 1, value);
  }
  return put_summary(step, wall_time_s, summary);
}

Outcome EventWriter::write(std::uint64_t step, double wall_time_s, const std::vector<Histogram>& histograms) {
  std::string summary;
  for (const auto& histogram : histograms) {
    const auto packed = histogram_message(histogram.values);
    if (packed.empty()) continue;
    std::string value;
    put_bytes(value, 1, histogram.tag);
    put_bytes(value, 5, packed);
    put_bytes(summary, 1, value);
  }
  return put_summary(step, wall_time_s, summary);
}

Outcome EventWriter::write(std::uint64_t step, double wall_time_s, const std::vector<Picture>& pictures) {
  std::string summary;
  for (const auto& picture : pictures) {
    std::string image, value;
    for (const auto& [field, number] : {std::pair{1u, picture.height}, std::pair{2u, picture.width}, std::pair{3u, kRgb}}) {
      put_key(image, field, kVarint);
      put_varint(image, number);
    }
    put_bytes(image, 4, picture.png);
    put_bytes(value, 1, picture.tag);
    put_bytes(value, 4, image);
    put_bytes(summary, 1, value);
  }
  return put_summary(step, wall_time_s, summary);
}

// A tensor of one string, said to be of the text plugin.
Outcome EventWriter::write(std::uint64_t step, double wall_time_s, const std::vector<Text>& texts) {
  std::string summary;
  for (const auto& text : texts) {
    std::string dimension, shape, tensor, plugin, metadata, value;
    put_key(dimension, 1, kVarint);
    put_varint(dimension, 1);
    put_bytes(shape, 2, dimension);
    put_key(tensor, 1, kVarint);
    put_varint(tensor, kStringType);
    put_bytes(tensor, 2, shape);
    put_bytes(tensor, 8, text.markdown);
    put_bytes(plugin, 1, "text");
    put_bytes(metadata, 1, plugin);
    put_bytes(value, 1, text.tag);
    put_bytes(value, 8, tensor);
    put_bytes(value, 9, metadata);
    put_bytes(summary, 1, value);
  }
  return put_summary(step, wall_time_s, summary);
}

Outcome EventWriter::put_summary(std::uint64_t step, double wall_time_s, const std::string& summary) {
  auto data = event(wall_time_s, step);
  put_bytes(data, 5, summary);
  file_ << record(data) << std::flush;
  if (!file_) return Error{ErrorCode::io_error, path_.string() + ": cannot be written"};
  return Done{};
}

}  // namespace mendel::trainer
