// A store whose files were cut, changed or denied: every change is found, nothing is stored after a
// failed write, and what to do is said.
#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <csignal>

#include "storage/durable_file.hpp"
#include "tests/storage/samples.hpp"

using namespace mendel;
using namespace mendel::storage;
using namespace mendel::storage::samples;

namespace {

constexpr int kPairs = 40;

// A store whose pairs lie partly in table files (closed and opened) and partly in the log.
void fill(const fs::path& folder) {
  for (int part = 0; part < 2; ++part) {
    auto store = open_store(folder);
    REQUIRE(store);
    for (int n = 0; n < kPairs; ++n)
      REQUIRE(store->commit({.results = {mutate_result(part * kPairs + n)}, .next = {}, .dead = {}, .requeue = {}, .meta = {}}));
  }
}

std::vector<fs::path> files_with(const fs::path& folder, const std::string& part) {
  std::vector<fs::path> out;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().filename().string().find(part) != std::string::npos && entry.file_size() > 0) out.push_back(entry.path());
  return out;
}

// True if opening or reading everything finds damage, or everything is there all the same (a byte of
// padding or of a log that is not needed any more).
bool damage_is_found_or_harmless(const fs::path& folder) {
  auto store = PlantStore::open(folder, OpenMode::read_write);
  if (!store) return store.error().code == ErrorCode::corrupt || store.error().code == ErrorCode::io_error;
  for (int n = 0; n < 2 * kPairs; ++n) {
    const auto pair = (*store)->pair(id_of(pair_of(n)));
    if (!pair && (*store)->lost_writes() > 0) continue;  // the end of the log: said
    if (!pair) return !(*store)->intact() && !(*store)->commit({});
    if (to_json(*pair) != to_json(pair_of(n))) return false;
  }
  return true;
}

std::size_t found_by_flips(const std::string& kind, std::size_t stride) {
  Folder folder;
  fill(folder.path);
  std::size_t errors = 0;
  for (const auto& file : files_with(folder.path, kind)) {
    const auto size = fs::file_size(file);
    for (std::size_t at = 0; at < size; at += stride) {
      Folder copy;
      fs::copy(folder.path, copy.path, fs::copy_options::recursive | fs::copy_options::overwrite_existing);
      auto content = content_of(file);
      content[at] = static_cast<char>(content[at] ^ 0x10);
      overwrite(copy.path / file.filename(), content);
      CAPTURE(file.filename().string());
      CAPTURE(at);
      CHECK(damage_is_found_or_harmless(copy.path));
      ++errors;
    }
  }
  return errors;
}

}  // namespace

TEST_CASE("a flipped byte in a table file, the log, the manifest or CURRENT is never read as data") {
  CHECK(found_by_flips(".sst", 997) > 0);
  CHECK(found_by_flips(".log", 499) > 0);
  CHECK(found_by_flips("MANIFEST", 97) > 0);
  CHECK(found_by_flips("CURRENT", 5) > 0);
}

TEST_CASE("a torn end of the log costs the torn step alone") {
  Folder folder;
  fill(folder.path);
  const auto logs = files_with(folder.path, ".log");
  REQUIRE_FALSE(logs.empty());
  const auto log = *std::max_element(logs.begin(), logs.end());
  const auto whole = content_of(log);
  overwrite(log, whole.substr(0, whole.size() - 20));
  auto store = PlantStore::open(folder.path, OpenMode::read_write);
  REQUIRE(store);
  int missing = 0;
  for (int n = 0; n < 2 * kPairs; ++n) missing += !(*store)->pair(id_of(pair_of(n)));
  CHECK(missing == 1);
  CHECK((*store)->lost_writes() > 0);
  CHECK((*store)->verify());
}

TEST_CASE("a store without its table files, manifest or CURRENT is refused, not begun anew") {
  for (const std::string kind : {".sst", "MANIFEST", "CURRENT"}) {
    CAPTURE(kind);
    Folder folder;
    fill(folder.path);
    for (const auto& file : files_with(folder.path, kind)) fs::remove(file);
    const auto store = PlantStore::open(folder.path, OpenMode::read_write);
    REQUIRE_FALSE(store);
    CHECK(store.error().what.find(folder.path.string()) != std::string::npos);
  }
}

TEST_CASE("another format version is refused with both versions named") {
  Folder folder;
  fill(folder.path);
  overwrite(folder.path / "FORMAT", "mendel-store 7\n");
  for (const auto mode : {OpenMode::read_write, OpenMode::read_only}) {
    const auto store = PlantStore::open(folder.path, mode);
    REQUIRE_FALSE(store);
    CHECK(store.error().code == ErrorCode::corrupt);
    CHECK(store.error().what.find("format 7") != std::string::npos);
    CHECK(store.error().what.find("format 1") != std::string::npos);
  }
  fs::remove(folder.path / "FORMAT");
  CHECK(PlantStore::open(folder.path, OpenMode::read_write).error().what.find("FORMAT") != std::string::npos);
}

TEST_CASE("no store to read is not found, and a file in its place is an error") {
  Folder folder;
  CHECK(PlantStore::open(folder.path / "none", OpenMode::read_only).error().code == ErrorCode::not_found);
  overwrite(folder.path / "file", "x");
  CHECK_FALSE(PlantStore::open(folder.path / "file", OpenMode::read_write));
}

// The limit on file sizes stands for a full disk: in both a write comes back short with an error.
TEST_CASE("after a write that failed nothing more is stored, and opening again finds every acked step") {
  Folder folder;
  int acks[2];
  REQUIRE(pipe(acks) == 0);
  const pid_t child = fork();
  if (child == 0) {
    signal(SIGXFSZ, SIG_IGN);
    auto store = open_store(folder.path);
    const rlimit limit{64u << 10, 64u << 10};
    setrlimit(RLIMIT_FSIZE, &limit);
    bool failed = false;
    for (int n = 0; n < 5000 && store; ++n) {
      const auto answer = store->commit({.results = {mutate_result(n)}, .next = {}, .dead = {}, .requeue = {}, .meta = {}});
      if (answer && failed) _exit(3);  // went on after a failure
      if (answer && write(acks[1], &n, sizeof n) != sizeof n) _exit(4);
      if (!answer && answer.error().code != ErrorCode::io_error) _exit(5);
      if (!answer && failed) _exit(0);
      failed = !answer;
    }
    _exit(6);
  }
  close(acks[1]);
  std::vector<int> acked;
  for (int n; read(acks[0], &n, sizeof n) == sizeof n;) acked.push_back(n);
  close(acks[0]);
  int status = 0;
  waitpid(child, &status, 0);
  CHECK(WEXITSTATUS(status) == 0);
  REQUIRE(acked.size() > 10);
  auto store = PlantStore::open(folder.path, OpenMode::read_write);
  REQUIRE(store);
  for (const int n : acked) CHECK((*store)->pair(id_of(pair_of(n))));
  CHECK((*store)->commit({.results = {mutate_result(100000)}, .next = {}, .dead = {}, .requeue = {}, .meta = {}}));
}

TEST_CASE("a file is written whole or not at all") {
  Folder folder;
  REQUIRE(write_durably(folder.path / "a", "first"));
  REQUIRE(write_durably(folder.path / "a", "second"));
  CHECK(content_of(folder.path / "a") == "second");
  const auto failed = write_durably(folder.path / "missing" / "a", "x");
  REQUIRE_FALSE(failed);
  CHECK(failed.error().what.find("missing") != std::string::npos);
}
