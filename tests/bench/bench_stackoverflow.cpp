// The parts that bench_stackoverflow.py measures against each other. Prints CPU seconds as JSON.
//
// bench_stackoverflow unpack FILE: libarchive alone, as bare as it goes. bench_stackoverflow scan FILE.xml: the
// scanner and expat over the same bytes in memory, both counting rows, wanted tags and bytes of bodies.
#include <archive.h>
#include <archive_entry.h>
#include <expat.h>

#include <cstdio>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iterator>
#include <string>

#include "actors/miner/stackoverflow/post_rows.hpp"
#include "actors/miner/stackoverflow/thread_collector.hpp"

namespace {

using namespace mendel;

constexpr std::size_t kPieceBytes = 64u << 10;  // as libarchive hands out

double cpu_s() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

int unpack(const char* path) {
  const double before = cpu_s();
  archive* a = archive_read_new();
  archive_read_support_format_7zip(a);
  archive_entry* entry = nullptr;
  if (archive_read_open_filename(a, path, 256u << 10) != ARCHIVE_OK || archive_read_next_header(a, &entry) != ARCHIVE_OK) return 1;
  std::uint64_t bytes = 0;
  const void* data = nullptr;
  std::size_t size = 0;
  la_int64_t offset = 0;
  while (archive_read_data_block(a, &data, &size, &offset) == ARCHIVE_OK) bytes += size;
  archive_read_free(a);
  std::printf("{\"cpu_s\": %.4f, \"bytes\": %llu}\n", cpu_s() - before, static_cast<unsigned long long>(bytes));
  return bytes > 0 ? 0 : 1;
}

struct Counts {
  std::uint64_t rows = 0, wanted = 0, body_bytes = 0;
  bool operator==(const Counts&) const = default;
};

void expat_row(void* to, const XML_Char* name, const XML_Char** attributes) {
  auto& counts = *static_cast<Counts*>(to);
  if (std::strcmp(name, "row") != 0) return;
  ++counts.rows;
  const char *tags = "", *body = "";
  for (; *attributes != nullptr; attributes += 2) {
    if (std::strcmp(attributes[0], "Tags") == 0) tags = attributes[1];
    if (std::strcmp(attributes[0], "Body") == 0) body = attributes[1];
  }
  if (std::strstr(tags, "<python>") == nullptr && std::strstr(tags, "|python|") == nullptr) return;
  ++counts.wanted;
  counts.body_bytes += std::strlen(body);
}

int scan(const char* path) {
  std::ifstream in(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  Counts ours, theirs;
  Stackoverflow settings;
  settings.add_tags("python");

  double before = cpu_s();
  miner::PostScanner scanner(4u << 20);
  std::string decoded;
  const miner::PostScanner::Sink sink = [&](const miner::PostRow& row) {
    ++ours.rows;
    if (!miner::has_tag(row[miner::Field::tags], settings)) return;
    ++ours.wanted;
    decoded.clear();
    miner::append_decoded(row[miner::Field::body], decoded);
    ours.body_bytes += decoded.size();
  };
  for (std::size_t at = 0; at < text.size(); at += kPieceBytes)
    if (!scanner.feed(std::string_view(text).substr(at, kPieceBytes), sink)) return 1;
  const double scanner_s = cpu_s() - before;

  before = cpu_s();
  XML_Parser parser = XML_ParserCreate(nullptr);
  XML_SetUserData(parser, &theirs);
  XML_SetStartElementHandler(parser, expat_row);
  for (std::size_t at = 0; at < text.size(); at += kPieceBytes) {
    const auto piece = std::string_view(text).substr(at, kPieceBytes);
    if (XML_Parse(parser, piece.data(), static_cast<int>(piece.size()), at + piece.size() == text.size()) == XML_STATUS_ERROR) return 1;
  }
  const double expat_s = cpu_s() - before;
  XML_ParserFree(parser);
  if (!(ours == theirs)) return std::fprintf(stderr, "the scanner and expat found different rows\n"), 1;
  std::printf("{\"scanner_s\": %.5f, \"expat_s\": %.5f, \"rows\": %llu, \"wanted\": %llu, \"bytes\": %zu}\n", scanner_s, expat_s,
              static_cast<unsigned long long>(ours.rows), static_cast<unsigned long long>(ours.wanted), text.size());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  return std::string_view(argv[1]) == "unpack" ? unpack(argv[2]) : scan(argv[2]);
}
