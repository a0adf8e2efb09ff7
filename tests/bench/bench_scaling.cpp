// What one coordinator can feed: real cores, real sockets with CURVE, the real store. Nodes are threads here
// whose work sleeps, so that this machine's cores are not what limits them. Prints JSON rows; bench_scaling.py
// drives it and reckons on.
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <mutex>
#include <thread>

#include "actors/runtime/coordinator_core.hpp"
#include "actors/runtime/node_core.hpp"
#include "actors/runtime/transport.hpp"
#include "proto/pair_json.hpp"
#include "tests/storage/samples.hpp"

namespace {

using namespace mendel;
using namespace mendel::runtime;
using storage::samples::Folder;
using Clock = std::chrono::steady_clock;

Moment now() { return std::chrono::duration_cast<Moment>(Clock::now().time_since_epoch()); }

double thread_cpu_s() {
  timespec used{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) * 1e-9;
}

// Envelopes from a transport's thread to the one that works.
class Inbox {
 public:
  void put(std::string peer, EnvelopePtr envelope) {
    const std::lock_guard lock(mutex_);
    waiting_.emplace_back(std::move(peer), std::move(envelope));
    more_.notify_one();
  }
  std::vector<std::pair<std::string, EnvelopePtr>> take_all(Moment patience) {
    std::unique_lock lock(mutex_);
    more_.wait_for(lock, patience, [this] { return !waiting_.empty(); });
    return std::exchange(waiting_, {});
  }

 private:
  std::mutex mutex_;
  std::condition_variable more_;
  std::vector<std::pair<std::string, EnvelopePtr>> waiting_;
};

// What a file of a few functions gives: one pair of about 1 KB.
WorkResult result_of(const WorkItem& item) {
  WorkResult result;
  result.set_item_id(item.id());
  result.set_stage(item.stage());
  auto& pair = *result.add_pairs();
  pair.set_buggy(std::string(400, 'b') + item.mutate().files(0).path());
  pair.set_fixed(std::string(400, 'f') + item.mutate().files(0).path());
  pair.mutable_source()->set_path(item.mutate().files(0).path());
  set_pair_id(pair);
  return result;
}

struct Load {
  int nodes;
  std::uint32_t workers, held_max;
  Moment sleep;
  int items;
};

// One node: works by sleeping, all its workers in one thread.
void run_node(const std::string& name, const KeyFolder& keys, const std::string& endpoint, const Load& load) {
  Inbox inbox;
  const auto secret = read_key(keys.secret_file(name), true);
  auto client = ClientTransport::start({name, endpoint, {*public_of(*secret), *secret}, keys.server()->public_key},
                                       {[&](EnvelopePtr envelope) { inbox.put({}, std::move(envelope)); }, [](const std::string&) {}});
  if (!client) std::abort();
  Hello hello;
  hello.set_node(name);
  hello.add_roles("mutator");
  hello.set_protocol(kProtocol);
  hello.set_schema(schema_hash());
  hello.set_instance(std::hash<std::string>()(name));
  NodeCore core(hello, {Stage::mutate}, {load.workers, load.held_max, Moment(2000)});
  std::multimap<Moment, WorkItem> running;
  NodeActions actions;
  core.start(now(), actions);
  for (bool ended = false; !ended;) {
    for (auto& item : actions.start) running.emplace(now() + load.sleep, std::move(item));
    for (const auto& envelope : actions.send) (*client)->send(envelope);
    ended = actions.ended;
    actions = {};
    const auto wait = running.empty() ? Moment(20) : std::clamp(running.begin()->first - now(), Moment(0), Moment(20));
    for (const auto& [peer, envelope] : inbox.take_all(wait)) core.receive(*envelope, now(), actions);
    while (!running.empty() && running.begin()->first <= now()) {
      core.finished(result_of(running.begin()->second), actions);
      running.erase(running.begin());
    }
    core.flush(now(), actions);
    core.tick(now(), actions);
  }
  core.say_goodbye(actions);
  for (const auto& envelope : actions.send) (*client)->send(envelope);
}

struct Measured {
  double seconds = 0, coordinator_cpu_s = 0, plan_s = 0;
};

Measured measure(const Load& load) {
  Folder folder;
  const KeyFolder keys(folder.path / "keys");
  if (!keys.init()) std::abort();
  std::vector<std::string> names;
  for (int n = 0; n < load.nodes; ++n)
    if (names.push_back("node-" + std::to_string(n)); !keys.add(names.back())) std::abort();
  auto store = storage::PlantStore::open(folder.path / "store", storage::OpenMode::read_write);
  Inbox inbox;
  auto server = ServerTransport::start("tcp://127.0.0.1:*", keys, {}, {[&](const std::string& peer, EnvelopePtr envelope) { inbox.put(peer, std::move(envelope)); }, [](const std::string&) {}});
  if (!store || !server) std::abort();
  Measured out;
  PlantCore plant(Config(), Until::collect, {"dataset", "runs"}, **store);
  CoordinatorCore core(plant, **store, now());
  std::vector<WorkItem> items;
  for (int n = 0; n < load.items; ++n) items.push_back(storage::samples::mutate_item(n));
  const double before_plan = thread_cpu_s();
  if (!plant.recover() || !plant.plan(std::move(items)) || !plant.planning_finished({})) std::abort();
  out.plan_s = thread_cpu_s() - before_plan;
  std::vector<std::thread> nodes;
  for (const auto& name : names) nodes.emplace_back([&, name] { run_node(name, keys, (*server)->endpoint(), load); });
  while (core.nodes() < names.size()) {  // all have joined before the clock starts
    Outbox out_box;
    for (const auto& [peer, envelope] : inbox.take_all(Moment(20)))
      if (envelope->has_hello()) core.receive(peer, *envelope, now(), out_box);
    for (const auto& [peer, envelope] : out_box) (*server)->send(peer, envelope);
  }
  const auto started = Clock::now();
  const double cpu = thread_cpu_s();
  while (plant.phase() != Phase::done || core.nodes() > 0) {
    Outbox answers;
    for (const auto& [peer, envelope] : inbox.take_all(Moment(20))) core.receive(peer, *envelope, now(), answers);
    if (core.dirty() && !core.flush(now(), answers)) std::abort();
    core.tick(now(), answers);
    if (plant.phase() == Phase::done) {
      if (out.seconds == 0) {
        out.seconds = std::chrono::duration<double>(Clock::now() - started).count();
        out.coordinator_cpu_s = thread_cpu_s() - cpu;
      }
      core.say_goodbye({}, answers);
    }
    for (const auto& [peer, envelope] : answers) (*server)->send(peer, envelope);
  }
  for (auto& node : nodes) node.join();
  return out;
}

// bench_scaling queue URL ITEMS: what a backend costs an item, from put to done. URL "": the embedded one.
int measure_queue(const std::string& url, int items) {
  Config config;
  config.mutable_queue()->set_backend(url.empty() ? "embedded" : "nats");
  config.mutable_queue()->set_nats_url(url);
  auto queue = open_queue(config);
  if (!queue) {
    std::fprintf(stderr, "%s\n", queue.error().what.c_str());
    return 1;
  }
  const auto started = Clock::now();
  for (int n = 0; n < items; ++n) (*queue)->put(Stage::mutate, ContentHash().add(static_cast<std::uint64_t>(n)).finish<ItemId>());
  if (!(*queue)->settle()) return 1;
  const double put_s = std::chrono::duration<double>(Clock::now() - started).count();
  for (int done = 0; done < items;) {
    const auto item = (*queue)->take(Stage::mutate, "worker", now());
    if (!item) continue;
    (*queue)->done(*item);
    ++done;
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - started).count();
  std::printf("{\"items\": %d, \"put_us\": %.2f, \"all_us\": %.2f}\n", items, put_s / items * 1e6, seconds / items * 1e6);
  return 0;
}

}  // namespace

// bench_scaling NODES WORKERS HELD SLEEP_MS ITEMS
int main(int argc, char** argv) {
  if (argc == 4 && std::string(argv[1]) == "queue") return measure_queue(argv[2], std::atoi(argv[3]));
  if (argc != 6) return 2;
  const Load load{std::atoi(argv[1]), static_cast<std::uint32_t>(std::atoi(argv[2])), static_cast<std::uint32_t>(std::atoi(argv[3])), Moment(std::atoi(argv[4])), std::atoi(argv[5])};
  const auto measured = measure(load);
  std::printf("{\"nodes\": %d, \"items\": %d, \"seconds\": %.3f, \"items_per_s\": %.1f, \"coordinator_cpu_us_per_item\": %.2f, \"plan_cpu_us_per_item\": %.2f}\n", load.nodes,
              load.items, measured.seconds, load.items / measured.seconds, measured.coordinator_cpu_s / load.items * 1e6, measured.plan_s / load.items * 1e6);
  return 0;
}
