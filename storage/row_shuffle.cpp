// Runs are sorted in memory, written through one buffer each and merged by a heap; once there are as many
// as may be open, they become one.
#include "storage/row_shuffle.hpp"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <queue>
#include <tuple>

#include "storage/dataset_schema.hpp"
#include "storage/row_digest.hpp"

namespace mendel::storage {
namespace {

constexpr std::size_t kRunsMax = 128;  // open files of one merge
constexpr std::size_t kRunBufferBytes = 256u << 10;
constexpr std::size_t kRecordOverheadBytes = 96;
constexpr std::size_t kPackedBytes = 2048;  // of most rows
constexpr std::size_t kHeadBytes = 1 + 8 + 16 + 4;

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

Error failure(const std::filesystem::path& path) { return {ErrorCode::io_error, path.string() + ": " + std::strerror(errno)}; }

void put_number(char* at, std::uint64_t value, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i) at[i] = static_cast<char>(value >> (8 * i) & 255);
}

std::uint64_t get_number(const char* at, std::size_t bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes; ++i) value |= static_cast<std::uint64_t>(static_cast<std::uint8_t>(at[i])) << (8 * i);
  return value;
}

constexpr std::size_t kGridRowBytes = 2 * kGridCellCount / kGridRowCount;

// Cells that are 0 at the end of a row of the grid are left out.
void pack_grid(std::string_view grid, std::string& out) {
  assert(grid.size() == 2 * kGridCellCount);
  const auto counts = out.size();
  out.append(kGridRowCount, '\0');
  for (std::size_t row = 0; row < kGridRowCount; ++row) {
    const char* cells = grid.data() + row * kGridRowBytes;
    std::size_t used = kGridRowBytes;
    std::uint64_t four = 0;  // whole empty words first
    while (used >= sizeof four && (std::memcpy(&four, cells + used - sizeof four, sizeof four), four == 0)) used -= sizeof four;
    while (used > 0 && cells[used - 1] == '\0' && cells[used - 2] == '\0') used -= 2;
    out[counts + row] = static_cast<char>(used / 2);
    out.append(cells, used);
  }
}

// Takes one grid off the front of `packed`.
void unpack_grid(std::string_view& packed, std::string& grid) {
  grid.assign(2 * kGridCellCount, '\0');
  const char* counts = packed.data();
  const char* at = counts + kGridRowCount;
  for (std::size_t row = 0; row < kGridRowCount; ++row) {
    const auto bytes = 2 * static_cast<std::size_t>(counts[row]);
    std::memcpy(grid.data() + row * kGridRowBytes, at, bytes);
    at += bytes;
  }
  packed.remove_prefix(static_cast<std::size_t>(at - packed.data()));
}

void unpack(std::string_view packed, Row& row) {
  std::string buggy = std::move(*row.mutable_buggy_grid()), fixed = std::move(*row.mutable_fixed_grid());
  unpack_grid(packed, buggy);
  unpack_grid(packed, fixed);
  row.ParseFromArray(packed.data(), static_cast<int>(packed.size()));
  row.set_buggy_grid(std::move(buggy));
  row.set_fixed_grid(std::move(fixed));
}

}  // namespace

// One run, read or written front to back.
class RowShuffle::Run {
 public:
  Run(std::filesystem::path path, const char* mode) : path_(std::move(path)), file_(std::fopen(path_.c_str(), mode)) {
    if (file_) std::setvbuf(file_.get(), nullptr, _IOFBF, kRunBufferBytes);
  }

  Outcome write(const Record& record) {
    char head[kHeadBytes];
    head[0] = static_cast<char>(record.split);
    put_number(head + 1, record.key, 8);
    std::memcpy(head + 9, record.id.bytes.data(), 16);
    put_number(head + 25, record.row.size(), 4);
    if (!file_ || std::fwrite(head, 1, sizeof head, file_.get()) != sizeof head ||
        std::fwrite(record.row.data(), 1, record.row.size(), file_.get()) != record.row.size())
      return failure(path_);
    return Done{};
  }

  Outcome close() {
    if (!file_ || std::fflush(file_.get()) != 0) return failure(path_);
    return Done{};
  }

  // False at the end.
  Result<bool> next() {
    char head[kHeadBytes];
    if (!file_) return failure(path_);
    const auto n = std::fread(head, 1, sizeof head, file_.get());
    if (n == 0 && std::feof(file_.get())) return false;
    if (n != sizeof head) return failure(path_);
    current.split = static_cast<std::uint8_t>(head[0]);
    current.key = get_number(head + 1, 8);
    std::memcpy(current.id.bytes.data(), head + 9, 16);
    current.row.resize(get_number(head + 25, 4));
    if (std::fread(current.row.data(), 1, current.row.size(), file_.get()) != current.row.size()) return failure(path_);
    return true;
  }

  Record current{};

 private:
  std::filesystem::path path_;
  File file_;
};

RowShuffle::RowShuffle(std::filesystem::path folder, std::uint64_t seed, std::uint64_t memory_bytes)
    : folder_(std::move(folder)), seed_(seed), memory_bytes_(memory_bytes) {}

Outcome RowShuffle::add(std::uint8_t split, const PairId& id, const Row& row) {
  std::string packed;
  packed.reserve(kPackedBytes);
  pack_grid(row.buggy_grid(), packed);
  pack_grid(row.fixed_grid(), packed);
  rest_ = row;
  rest_.clear_buggy_grid();
  rest_.clear_fixed_grid();
  rest_.AppendToString(&packed);
  records_.push_back({split, shuffle_key(seed_, id), id, std::move(packed)});
  bytes_ += records_.back().row.size() + kRecordOverheadBytes;
  return bytes_ < memory_bytes_ ? Outcome(Done{}) : spill();
}

Outcome RowShuffle::spill() {
  if (runs_.size() >= kRunsMax) {
    const auto file = next_file();
    Run merged(file, "wb");
    if (auto done = merge_runs([&](const Record& record) { return merged.write(record); }); !done) return done;
    if (auto closed = merged.close(); !closed) return closed;
    for (const auto& run : runs_) std::filesystem::remove(run);
    runs_ = {file};
  }
  std::sort(records_.begin(), records_.end(), [](const Record& a, const Record& b) { return a.place() < b.place(); });
  runs_.push_back(next_file());
  Run run(runs_.back(), "wb");
  for (const auto& record : records_)
    if (auto written = run.write(record); !written) return written;
  records_.clear();
  bytes_ = 0;
  return run.close();
}

Outcome RowShuffle::merge_runs(const Visit& visit) {
  std::vector<std::unique_ptr<Run>> runs;
  const auto later = [&](std::size_t a, std::size_t b) { return runs[a]->current.place() > runs[b]->current.place(); };
  std::priority_queue<std::size_t, std::vector<std::size_t>, decltype(later)> heads(later);
  for (const auto& path : runs_) {
    runs.push_back(std::make_unique<Run>(path, "rb"));
    const auto more = runs.back()->next();
    if (!more) return more.error();
    if (*more) heads.push(runs.size() - 1);
  }
  while (!heads.empty()) {
    const auto first = heads.top();
    heads.pop();
    if (auto visited = visit(runs[first]->current); !visited) return visited;
    const auto more = runs[first]->next();
    if (!more) return more.error();
    if (*more) heads.push(first);
  }
  return Done{};
}

Outcome RowShuffle::each(const std::function<Outcome(std::uint8_t, const Row&)>& visit) {
  Row row;
  bool any = false;
  std::uint8_t last_split = 0;
  PairId last;
  const Visit visit_record = [&](const Record& record) -> Outcome {
    if (any && record.id == last && record.split == last_split)
      return Error{ErrorCode::invalid_input, "the row of pair " + last.hex() + " was added twice"};
    any = true;
    last = record.id;
    last_split = record.split;
    unpack(record.row, row);
    return visit(record.split, row);
  };
  if (!runs_.empty()) {
    if (!records_.empty())
      if (auto spilled = spill(); !spilled) return spilled;
    return merge_runs(visit_record);
  }
  std::sort(records_.begin(), records_.end(), [](const Record& a, const Record& b) { return a.place() < b.place(); });
  for (auto& record : records_) {
    if (auto visited = visit_record(record); !visited) return visited;
    record.row = {};
  }
  return Done{};
}

}  // namespace mendel::storage
