// The wire with everything on: CURVE, allow-list, batches of 64 results of about 256 bytes, each batch acked
// after the synced write of the real store. Two processes' worth of sockets in one process; wall clock.
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <filesystem>
#include <mutex>
#include <thread>

#include "actors/runtime/transport.hpp"
#include "proto/ids.hpp"
#include "storage/plant_store.hpp"

namespace {

using namespace mendel;
using namespace mendel::runtime;
namespace fs = std::filesystem;

constexpr std::uint64_t kBatches = 4000, kPerBatch = 64, kWindow = 400;
constexpr double kTarget = 100'000;  // items/s

// Envelopes from one thread to another.
class Inbox {
 public:
  void put(std::string peer, EnvelopePtr envelope) {
    const std::lock_guard lock(mutex_);
    waiting_.emplace_back(std::move(peer), std::move(envelope));
    more_.notify_one();
  }
  std::vector<std::pair<std::string, EnvelopePtr>> take_all() {
    std::unique_lock lock(mutex_);
    more_.wait(lock, [this] { return !waiting_.empty(); });
    return std::exchange(waiting_, {});
  }

 private:
  std::mutex mutex_;
  std::condition_variable more_;
  std::vector<std::pair<std::string, EnvelopePtr>> waiting_;
};

EnvelopePtr batch_of(std::uint64_t number) {
  auto envelope = std::make_shared<Envelope>();
  auto& results = *envelope->mutable_results();
  results.set_batch(number);
  for (std::uint64_t i = 0; i < kPerBatch; ++i) {
    auto& result = *results.add_results();
    result.set_item_id(std::string(ContentHash().add(number).add(i).finish<ItemId>().view()));
    result.set_stage(Stage::mutate);
    auto& rejection = *result.add_rejections();
    rejection.set_subject("package/module.py");
    rejection.set_reason("too_short");
    rejection.set_detail(std::string(190, 'x'));
  }
  return envelope;
}

// Group commit: everything that came since the last write is one synced batch, then come the acks.
std::uint64_t store_and_ack(Inbox& inbox, storage::PlantStore& store, ServerTransport& server, std::uint64_t batches) {
  std::uint64_t taken = 0, commits = 0;
  while (taken < batches) {
    const auto arrived = inbox.take_all();
    storage::Commit commit;
    for (const auto& [peer, envelope] : arrived)
      for (const auto& result : envelope->results().results()) commit.results.push_back(result);
    if (!store.commit(commit)) return 0;
    ++commits;
    for (const auto& [peer, envelope] : arrived) {
      auto ack = std::make_shared<Envelope>();
      ack->mutable_ack()->set_batch(envelope->results().batch());
      server.send(peer, std::move(ack));
    }
    taken += arrived.size();
  }
  return commits;
}

int run(const fs::path& folder) {
  const KeyFolder keys(folder / "keys");
  if (!keys.init() || !keys.add("bench")) return 1;
  auto store = storage::PlantStore::open(folder / "store", storage::OpenMode::read_write);
  if (!store) return 1;
  Inbox arrived, acked;
  auto server = ServerTransport::start("tcp://127.0.0.1:*", keys, {}, {[&](const std::string& peer, EnvelopePtr envelope) { arrived.put(peer, std::move(envelope)); }, [](const std::string&) {}});
  if (!server) return 1;
  const auto secret = read_key(keys.secret_file("bench"), true);
  ClientOptions options{"bench", (*server)->endpoint(), {*public_of(*secret), *secret}, keys.server()->public_key};
  auto client = ClientTransport::start(std::move(options), {[&](EnvelopePtr envelope) { acked.put({}, std::move(envelope)); }, [](const std::string&) {}});
  if (!client) return 1;
  std::vector<EnvelopePtr> batches;
  for (std::uint64_t n = 0; n < kBatches; ++n) batches.push_back(batch_of(n));
  std::uint64_t commits = 0;
  std::thread writer([&] { commits = store_and_ack(arrived, **store, **server, kBatches); });
  const auto started = std::chrono::steady_clock::now();
  std::uint64_t sent = 0, answers = 0;
  while (answers < kBatches) {
    while (sent < kBatches && sent - answers < kWindow) (*client)->send(batches[sent++]);
    answers += acked.take_all().size();
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  writer.join();
  const double rate = static_cast<double>(kBatches * kPerBatch) / seconds;
  const double bytes = static_cast<double>(batches[0]->ByteSizeLong()) / kPerBatch;
  std::printf("%llu items of %.0f B in %.2f s, %llu synced commits\n", static_cast<unsigned long long>(kBatches * kPerBatch), bytes, seconds, static_cast<unsigned long long>(commits));
  std::printf("{\"bench\": \"wire: results of 256 B, 64 a frame, CURVE, ack after the synced write\", \"mendel\": %.0f, \"peer\": null, \"peer_name\": \"\", "
              "\"unit\": \"items/s\", \"ratio\": null, \"target\": \">= 100,000 items/s\", \"met\": %s}\n", rate, rate >= kTarget ? "true" : "false");
  return 0;
}

}  // namespace

int main() {
  const auto folder = fs::temp_directory_path() / ("mendel-bench-wire-" + std::to_string(getpid()));
  fs::create_directories(folder);
  const int status = run(folder);
  std::error_code ignored;
  fs::remove_all(folder, ignored);
  return status;
}
