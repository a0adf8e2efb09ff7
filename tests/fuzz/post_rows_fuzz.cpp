// A dump of posts: the rows, the refusals and the counts are the same wherever its bytes are cut. The first byte says where.
#include "actors/miner/stackoverflow/post_rows.hpp"

#include <vector>

#include "tests/fuzz/fuzz.hpp"

using namespace mendel;

namespace {

constexpr std::size_t kRowBytesMax = 256;  // small, so that inputs reach it

struct Seen {
  std::vector<std::string> values;
  bool good = true;
  std::uint64_t rows = 0, malformed = 0, too_large = 0;

  bool operator==(const Seen&) const = default;
};

Seen scan(std::string_view bytes, std::size_t piece) {
  Seen seen;
  miner::PostScanner scanner(kRowBytesMax);
  const auto sink = [&](const miner::PostRow& row) {
    for (const auto value : row.values) seen.values.emplace_back(value);
  };
  for (; seen.good && !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size()))) seen.good = bool(scanner.feed(bytes.substr(0, piece), sink));
  seen.good = seen.good && scanner.finish();
  seen.rows = scanner.rows(), seen.malformed = scanner.malformed(), seen.too_large = scanner.too_large();
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto text = fuzz::text_of(data + 1, size - 1);
  const auto whole = scan(text, size);
  fuzz::claim(scan(text, data[0] % 64 + 1u) == whole, "what is read does not depend on where the bytes are cut");
  fuzz::claim(whole.rows == whole.values.size() / static_cast<std::size_t>(miner::Field::count) + whole.malformed + whole.too_large, "every row is given, malformed or too large");
  std::string decoded;
  miner::append_decoded(text, decoded);
  fuzz::claim(decoded.size() <= text.size(), "decoding makes nothing longer");
  (void)miner::number_of(text);
  return 0;
}
