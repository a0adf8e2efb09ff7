// The contract of a queue, over every backend: the embedded one, and NATS JetStream where its server is.
#include "actors/runtime/queue.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <set>

#include "tests/runtime/fake_store.hpp"
#include "tests/runtime/nats_server.hpp"
#include "tests/runtime/plant_fixture.hpp"

using namespace mendel;
using namespace mendel::runtime;
using namespace mendel::runtime::samples;
using namespace std::chrono_literals;

namespace {

constexpr Moment kLease{1000};
constexpr Stage::Value kAll[] = {Stage::mutate, Stage::validate, Stage::encode};

ItemId item(std::uint64_t n) { return ContentHash().add(n).finish<ItemId>(); }

// One backend under test, through several lives of its owner.
struct Backend {
  Config config;
  std::unique_ptr<ItemQueue> queue;
  Moment now{1'000'000};

  explicit Backend(Config given) : config(std::move(given)) { open(); }

  void open() {
    queue.reset();
    auto opened = open_queue(config);
    REQUIRE(opened);
    queue = std::move(*opened);
  }
  void put(std::initializer_list<std::uint64_t> numbers, Stage::Value stage = Stage::mutate) {
    for (const auto n : numbers) queue->put(stage, item(n));
    REQUIRE(queue->settle());
  }
  // What a worker gets; waits for a backend that has its items elsewhere, on the clock of the wall alone.
  std::optional<ItemId> take(const char* worker, Stage::Value stage = Stage::mutate) {
    const auto until = std::chrono::steady_clock::now() + 20s;
    while (std::chrono::steady_clock::now() < until) {
      if (auto taken = queue->take(stage, worker, now)) return taken;
      now += 21ms;
    }
    return std::nullopt;
  }
  // True if nothing waits now, nor after a moment.
  bool empty(Stage::Value stage = Stage::mutate) {
    for (int again = 0; again < 3; ++again, now += 21ms)
      if (queue->take(stage, "nobody", now)) return false;
    return true;
  }
};

NatsServer& nats_server() {
  static NatsServer server;
  return server;
}

// A stream of its own for each.
std::optional<Config> nats_config() {
  static int streams = 0;
  Config config;
  config.mutable_runtime()->set_lease_ms(static_cast<std::uint32_t>(kLease.count()));
  config.mutable_queue()->set_backend("nats");
  config.mutable_queue()->set_nats_url(nats_server().url);
  config.mutable_queue()->set_nats_stream("test-" + std::to_string(++streams));
  if (nats_server().url.empty()) {
    MESSAGE("SKIPPED: nats-server is not installed");
    return std::nullopt;
  }
  if (auto opened = open_queue(config); !opened) {
    MESSAGE("SKIPPED: ", opened.error().what);
    return std::nullopt;
  }
  return config;
}

void over_every_backend(const std::function<void(Backend&)>& check) {
  Config config;
  config.mutable_runtime()->set_lease_ms(static_cast<std::uint32_t>(kLease.count()));
  Backend embedded(config);
  check(embedded);
  if (const auto nats = nats_config()) {
    Backend other(*nats);
    check(other);
  }
}

}  // namespace

TEST_CASE("an item that is put twice is delivered once, and stages are apart") {
  over_every_backend([](Backend& at) {
    at.put({1, 2});
    at.put({1});
    at.put({3}, Stage::validate);
    std::set<ItemId> got{*at.take("a"), *at.take("b")};
    CHECK(got == std::set{item(1), item(2)});
    CHECK(at.empty());
    CHECK(at.take("a", Stage::validate) == item(3));
    CHECK(at.queue->held() == 3);
    CHECK(at.queue->held_by("a") == 2);
  });
}

TEST_CASE("an item is held by one worker until its lease ends, and renewing keeps it") {
  over_every_backend([](Backend& at) {
    at.put({1});
    REQUIRE(at.take("a") == item(1));
    at.now += kLease - 100ms;
    CHECK(at.queue->renew(item(1), "a", at.now));
    CHECK_FALSE(at.queue->renew(item(1), "b", at.now));
    at.now += kLease - 200ms;
    CHECK(at.queue->expire(at.now).empty());
    at.now += 200ms;
    const auto ended = at.queue->expire(at.now);
    REQUIRE(ended.size() == 1);
    CHECK(ended[0] == std::pair(item(1), std::string("a")));
    CHECK_FALSE(at.queue->renew(item(1), "a", at.now));
    at.queue->put_back(Stage::mutate, item(1), false);
    CHECK(at.take("b") == item(1));
  });
}

TEST_CASE("only the holder gives an item back, and a lost worker's items come back in order") {
  over_every_backend([](Backend& at) {
    at.put({1, 2, 3});
    for (int n = 0; n < 3; ++n) REQUIRE(at.take("a"));
    CHECK_FALSE(at.queue->release(item(1), "b"));
    CHECK(at.queue->release(item(1), "a"));
    const auto back = at.queue->take_back("a");
    REQUIRE(back.size() == 2);
    CHECK(back[0] < back[1]);
    at.queue->put_back(Stage::mutate, back[0], false);
    at.queue->put_back(Stage::mutate, back[1], true);
    CHECK(at.take("b") == back[1]);
    CHECK(at.take("b") == back[0]);
  });
}

TEST_CASE("a retry waits for its time") {
  over_every_backend([](Backend& at) {
    at.put({1});
    REQUIRE(at.take("a") == item(1));
    REQUIRE(at.queue->release(item(1), "a"));
    const auto later = at.now + 5s;
    at.queue->retry(Stage::mutate, item(1), later);
    at.now = later - 100ms;
    at.queue->expire(at.now);
    CHECK_FALSE(at.queue->take(Stage::mutate, "a", at.now));
    at.queue->expire(later);
    CHECK(at.queue->take(Stage::mutate, "a", later) == item(1));
  });
}

TEST_CASE("what is done is never delivered again, waiting or held") {
  over_every_backend([](Backend& at) {
    at.put({1, 2});
    const auto held = at.take("a");
    REQUIRE(held);
    at.queue->done(*held);
    const auto other = at.take("a");
    REQUIRE(other);
    REQUIRE(at.queue->release(*other, "a"));
    at.queue->put_back(Stage::mutate, *other, false);
    at.queue->done(*other);
    CHECK(at.empty());
    CHECK(at.queue->held() == 0);
  });
}

TEST_CASE("in the next life of the owner everything that it puts again and is not done is delivered at once") {
  over_every_backend([](Backend& at) {
    at.put({1, 2, 3});
    const auto done = at.take("a"), held = at.take("a");
    REQUIRE(held);
    at.queue->done(*done);
    at.open();
    std::set<ItemId> left, got;
    for (std::uint64_t n : {1, 2, 3})
      if (item(n) != *done) {
        left.insert(item(n));
        at.queue->put(Stage::mutate, item(n));
      }
    REQUIRE(at.queue->settle());
    for (int n = 0; n < 2; ++n) got.insert(at.take("b").value_or(ItemId{}));
    CHECK(got == left);
    CHECK(at.empty());
  });
}

TEST_CASE("a plan gives the same dataset over every backend, and goes on in a next life") {
  std::set<std::string> digests;
  over_every_backend([&](Backend& at) {
    FakeStore store;
    for (int life = 0; life < 2; ++life) {
      at.open();
      auto config = small_config();
      PlantCore plant(config, Until::dataset, {"dataset", "runs"}, store, std::move(at.queue));
      REQUIRE(plant.recover());
      REQUIRE(plant.plan(sources(7)));
      REQUIRE(plant.planning_finished({}));
      const auto until = std::chrono::steady_clock::now() + 60s;
      for (int steps = 0; plant.phase() != Phase::done && std::chrono::steady_clock::now() < until && (life > 0 || steps < 40); ++steps) {
        plant.tick(at.now += 21ms);
        for (const auto& work_item : plant.lease("worker", kAll, 2, at.now))
          if (life > 0 || steps % 3 > 0) plant.take("worker", work(work_item), at.now);
        REQUIRE(plant.flush(at.now));
        while (run_job(plant, store)) {}
      }
      if (life > 0) digests.insert(plant.digest());
    }
  });
  CHECK(digests.size() == 1);
  CHECK(digests.begin()->size() == 32);
}

TEST_CASE("a NATS server writes every message to the disk before it confirms it") {
  const auto config = nats_config();
  if (!config) return;
  Backend at(*config);
  at.put({1, 2, 3});
  if (nats_server().synced == NatsServer::Synced::by_setting) return;
  if (nats_server().synced == NatsServer::Synced::not_at_all) {
    MESSAGE("SKIPPED: this NATS server syncs by a timer alone, and the file system cannot write synchronously");
    return;
  }
  std::size_t blocks = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(nats_server().folder()))
    if (entry.path().extension() == ".blk") {
      ++blocks;
      CHECK(NatsServer::is_synchronous(entry.path()));
    }
  CHECK(blocks > 0);
}

TEST_CASE("a NATS server that lost all it had gets the items again") {
  const auto config = nats_config();
  if (!config) return;
  Backend at(*config);
  at.put({1, 2});
  nats_server().stop();
  std::filesystem::remove_all(nats_server().folder());
  nats_server().start();
  const auto until = std::chrono::steady_clock::now() + 60s;
  std::set<ItemId> got;
  while (got.size() < 2 && std::chrono::steady_clock::now() < until) {
    static_cast<void>(at.queue->settle());
    if (const auto taken = at.queue->take(Stage::mutate, "a", at.now += 1s)) got.insert(*taken);
  }
  CHECK(got == std::set{item(1), item(2)});
}

TEST_CASE("no server, and a stream with an odd name, are errors that name the key") {
  Config config;
  config.mutable_queue()->set_backend("nats");
  config.mutable_queue()->set_nats_url("nats://127.0.0.1:1");
  const auto none = open_queue(config);
  REQUIRE_FALSE(none);
  CHECK(none.error().code == ErrorCode::unavailable);
  CHECK(none.error().what.find("queue.") != std::string::npos);
  config.mutable_queue()->set_nats_stream("a.b >");
  CHECK(open_queue(config).error().what.find("queue.nats_stream") != std::string::npos);
}
