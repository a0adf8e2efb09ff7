// Commits pairs to a plant's store for bench_store.py, which runs RocksDB's own db_bench beside it.
//
// bench_store FOLDER BATCH COMMITS: each commit is one result with BATCH new pairs of about 2 KB: pairs,
// done-mark and seals in one synced batch. Prints seconds of the wall clock and of the CPU as JSON.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <vector>

#include "proto/pair_json.hpp"
#include "storage/plant_store.hpp"

namespace {

using namespace mendel;

constexpr std::size_t kSideBytes = 960;

// Half of it random letters, half one word again and again: db_bench's values shrink to a half as well.
std::string side(Random& random) {
  std::string out;
  while (out.size() < kSideBytes / 2) out.push_back(static_cast<char>('a' + random.below(26)));
  while (out.size() < kSideBytes) out += "return ";
  return out;
}

WorkResult result_of(std::uint64_t number, std::size_t batch) {
  Random random(number);
  WorkResult result;
  result.set_item_id(std::string(ContentHash().add(number).finish<ItemId>().view()));
  result.set_stage(Stage::mutate);
  for (std::size_t i = 0; i < batch; ++i) {
    auto& pair = *result.add_pairs();
    pair.set_buggy(side(random));
    pair.set_fixed(side(random));
    pair.mutable_bug()->set_class_(BugClass::logic);
    pair.mutable_source()->set_path("package/module.py");
    set_pair_id(pair);
  }
  return result;
}

double cpu_s() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const std::size_t batch = std::strtoul(argv[2], nullptr, 10), commits = std::strtoul(argv[3], nullptr, 10);
  auto store = storage::PlantStore::open(argv[1], storage::OpenMode::read_write);
  if (!store) return std::fprintf(stderr, "%s\n", store.error().what.c_str()), 1;
  double wall_s = 0, used_s = 0;
  std::size_t bytes = 0;
  for (std::size_t n = 0; n < commits; ++n) {
    storage::Commit commit;
    commit.results.push_back(result_of(n, batch));
    bytes += commit.results[0].ByteSizeLong();
    const auto before = std::chrono::steady_clock::now();
    const double cpu_before = cpu_s();
    const auto stored = (*store)->commit(commit);
    if (!stored) return std::fprintf(stderr, "%s\n", stored.error().what.c_str()), 1;
    wall_s += std::chrono::duration<double>(std::chrono::steady_clock::now() - before).count();
    used_s += cpu_s() - cpu_before;
  }
  std::printf("{\"pairs\": %zu, \"wall_s\": %.4f, \"cpu_s\": %.4f, \"pair_bytes\": %zu}\n", batch * commits, wall_s, used_s, bytes / (batch * commits));
}
