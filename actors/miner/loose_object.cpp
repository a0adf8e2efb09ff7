// zlib is asked for all of the output at once: whatever it does not finish then is damage.
#include "actors/miner/loose_object.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <utility>

namespace mendel::miner {
namespace {

constexpr std::size_t kHeaderBytesMax = 32;  // "commit ", 20 digits and the zero
constexpr std::uint64_t kRatioMax = 1032;  // of deflate
constexpr std::array<std::pair<std::string_view, ObjectType>, 4> kTypes = {{
    {"commit", ObjectType::commit}, {"tree", ObjectType::tree}, {"blob", ObjectType::blob}, {"tag", ObjectType::tag}}};

class Inflater {
 public:
  explicit Inflater(std::string_view file) {
    started_ = file.size() <= std::numeric_limits<uInt>::max() && inflateInit(&stream_) == Z_OK;
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(file.data()));
    stream_.avail_in = static_cast<uInt>(file.size());
  }
  ~Inflater() {
    if (started_) inflateEnd(&stream_);
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  // Fills as much of [out, out + n) as there is; how much that was.
  std::size_t fill(char* out, std::size_t n) {
    if (!started_ || ended_ || n > std::numeric_limits<uInt>::max()) return 0;
    stream_.next_out = reinterpret_cast<Bytef*>(out);
    stream_.avail_out = static_cast<uInt>(n);
    ended_ = inflate(&stream_, Z_SYNC_FLUSH) == Z_STREAM_END;
    return n - stream_.avail_out;
  }
  bool ended() const { return ended_; }

 private:
  z_stream stream_{};
  bool started_ = false, ended_ = false;
};

Error damaged(const char* what) { return {ErrorCode::corrupt, std::string("loose object: ") + what}; }

// "TYPE SIZE", and how many bytes it takes up with its zero.
Result<std::pair<LooseHeader, std::size_t>> read_header(std::string_view start) {
  const auto end = start.find('\0');
  const auto space = start.substr(0, end).find(' ');
  if (end == std::string_view::npos || space == std::string_view::npos) return damaged("no header, or a damaged one");
  const auto type = std::find_if(kTypes.begin(), kTypes.end(), [&](const auto& row) { return row.first == start.substr(0, space); });
  LooseHeader header;
  const auto* last = start.data() + end;
  const auto [stop, error] = std::from_chars(start.data() + space + 1, last, header.size);
  if (type == kTypes.end() || error != std::errc() || stop != last) return damaged("no header, or a damaged one");
  header.type = type->second;
  return std::pair{header, end + 1};
}

}  // namespace

Result<LooseHeader> loose_header(std::string_view file) {
  Inflater stream(file);
  std::array<char, kHeaderBytesMax> start{};
  const auto header = read_header({start.data(), stream.fill(start.data(), start.size())});
  if (!header) return header.error();
  return header->first;
}

Result<LooseObject> unpack_loose(std::string_view file, std::uint64_t bytes_max) {
  Inflater stream(file);
  std::array<char, kHeaderBytesMax> start{};
  const auto filled = stream.fill(start.data(), start.size());
  const auto read = read_header({start.data(), filled});
  if (!read) return read.error();
  const auto [header, used] = *read;
  if (header.size > bytes_max || header.size > (file.size() + 1) * kRatioMax)
    return Error{ErrorCode::too_large, "loose object: claims " + std::to_string(header.size) + " bytes"};
  LooseObject out{header, std::string(start.data() + used, filled - used)};
  const auto have = out.bytes.size();
  if (have > header.size) return damaged("longer than it claims");
  out.bytes.resize(header.size + 1);  // one more shows a stream that goes on
  const auto got = have + stream.fill(out.bytes.data() + have, out.bytes.size() - have);
  if (got != header.size || !stream.ended()) return damaged("ends too early, goes on too long or is damaged");
  out.bytes.resize(header.size);
  return out;
}

}  // namespace mendel::miner
