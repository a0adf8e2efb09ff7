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

void put_number(std::string& out, std::uint64_t field, std::uint64_t number) {
  put_key(out, field, kVarint);
  put_varint(out, number);
}

void put_double(std::string& out, std::uint64_t field, double value) {
  put_key(out, field, kDouble);
  put(out, value);
}

std::string event(double wall_time_s, std::uint64_t step) {
  std::string out;
  put_double(out, 1, wall_time_s);
  put_number(out, 2, step);
  return out;
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

// Values by tag; `content` answers a value's own fields, or nothing to leave it out.
template <class T, class Content>
std::string summary_of(const std::vector<T>& values, Content content) {
  std::string out;
  for (const auto& one : values) {
    const std::string own = content(one);
    if (own.empty()) continue;
    std::string value;
    put_bytes(value, 1, one.tag);
    value += own;
    put_bytes(out, 1, value);
  }
  return out;
}

std::string scalar_content(const Scalar& scalar) {
  std::string out;
  if (!std::isfinite(scalar.value)) return out;
  put_key(out, 2, kFloat);
  put(out, static_cast<float>(scalar.value));
  return out;
}

std::string histogram_content(const Histogram& histogram) {
  std::string out;
  if (const auto packed = histogram_message(histogram.values); !packed.empty()) put_bytes(out, 5, packed);
  return out;
}

std::string picture_content(const Picture& picture) {
  std::string image, out;
  put_number(image, 1, picture.height);
  put_number(image, 2, picture.width);
  put_number(image, 3, kRgb);
  put_bytes(image, 4, picture.png);
  put_bytes(out, 4, image);
  return out;
}

// A tensor of one string, said to be of the text plugin.
std::string text_content(const Text& text) {
  std::string dimension, shape, tensor, plugin, metadata, out;
  put_number(dimension, 1, 1);
  put_bytes(shape, 2, dimension);
  put_number(tensor, 1, kStringType);
  put_bytes(tensor, 2, shape);
  put_bytes(tensor, 8, text.markdown);
  put_bytes(plugin, 1, "text");
  put_bytes(metadata, 1, plugin);
  put_bytes(out, 8, tensor);
  put_bytes(out, 9, metadata);
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
  put_number(status, 1, kStart);
  auto start = event(wall_time_s, step);
  put_bytes(start, 7, status);
  out.file_ << record(version) << record(start) << std::flush;
  if (!out.file_) return Error{ErrorCode::io_error, out.path_.string() + ": cannot be written"};
  return out;
}

Outcome EventWriter::write(std::uint64_t step, double wall_time_s, const std::vector<Scalar>& scalars) {
  return put_summary(step, wall_time_s, summary_of(scalars, scalar_content));
}

Outcome EventWriter::write(std::uint64_t step, double wall_time_s, const std::vector<Histogram>& histograms) {
  return put_summary(step, wall_time_s, summary_of(histograms, histogram_content));
}

Outcome EventWriter::write(std::uint64_t step, double wall_time_s, const std::vector<Picture>& pictures) {
  return put_summary(step, wall_time_s, summary_of(pictures, picture_content));
}

Outcome EventWriter::write(std::uint64_t step, double wall_time_s, const std::vector<Text>& texts) {
  return put_summary(step, wall_time_s, summary_of(texts, text_content));
}

Outcome EventWriter::put_summary(std::uint64_t step, double wall_time_s, const std::string& summary) {
  auto data = event(wall_time_s, step);
  put_bytes(data, 5, summary);
  file_ << record(data) << std::flush;
  if (!file_) return Error{ErrorCode::io_error, path_.string() + ": cannot be written"};
  return Done{};
}

}  // namespace mendel::trainer
