// Real sockets on the loopback: who gets in, what large and broken messages do, what a revoked key does.
#include "actors/runtime/transport.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <zmq.hpp>

#include "tests/storage/samples.hpp"

using namespace mendel;
using namespace mendel::runtime;
using storage::samples::Folder;
using namespace std::chrono_literals;

namespace {

// What a transport's thread tells, for the test's thread to wait for.
template <class T>
class Inbox {
 public:
  void put(T value) {
    const std::lock_guard lock(mutex_);
    values_.push_back(std::move(value));
    more_.notify_one();
  }
  std::optional<T> take(std::chrono::seconds patience = 20s) {
    std::unique_lock lock(mutex_);
    if (!more_.wait_for(lock, patience, [this] { return !values_.empty(); })) return std::nullopt;
    auto out = std::move(values_.front());
    values_.pop_front();
    return out;
  }

 private:
  std::mutex mutex_;
  std::condition_variable more_;
  std::deque<T> values_;
};

bool becomes_true(const std::function<bool()>& condition) {
  const auto until = std::chrono::steady_clock::now() + 20s;
  while (!condition() && std::chrono::steady_clock::now() < until) std::this_thread::yield();
  return condition();
}

EnvelopePtr blob_of(std::size_t bytes) {
  auto out = std::make_shared<Envelope>();
  out->mutable_blob()->set_data(std::string(bytes, 'x'));
  return out;
}

struct Plant {
  Folder folder;
  KeyFolder keys{folder.path / "keys"};
  Inbox<std::pair<std::string, EnvelopePtr>> received;
  Inbox<std::string> gone;
  std::unique_ptr<ServerTransport> server;

  explicit Plant(std::initializer_list<const char*> nodes) {
    REQUIRE(keys.init());
    for (const char* node : nodes) REQUIRE(keys.add(node));
    auto started = ServerTransport::start("tcp://127.0.0.1:*", keys, folder.path / "control",
                                          {[this](const std::string& peer, EnvelopePtr envelope) { received.put({peer, std::move(envelope)}); },
                                           [this](const std::string& peer) { gone.put(peer); }});
    REQUIRE(started);
    server = std::move(*started);
  }
  ~Plant() { server.reset(); }

  KeyPair key_of(const char* node) const {
    const auto secret = read_key(keys.secret_file(node), true);
    return {public_of(*secret).value(), *secret};
  }
};

struct Node {
  Inbox<EnvelopePtr> received;
  Inbox<std::string> refused;
  std::unique_ptr<ClientTransport> client;

  Node(const Plant& plant, const std::string& name, const KeyPair& key, const std::string& server_key) {
    auto started = ClientTransport::start({name, plant.server->endpoint(), key, server_key},
                                          {[this](EnvelopePtr envelope) { received.put(std::move(envelope)); }, [this](const std::string& why) { refused.put(why); }});
    REQUIRE(started);
    client = std::move(*started);
  }
  Node(const Plant& plant, const char* name) : Node(plant, name, plant.key_of(name), plant.keys.server()->public_key) {}
  ~Node() { client.reset(); }
};

// A node of our key that speaks no protocol at all.
struct RawPeer {
  zmq::context_t context{1};
  zmq::socket_t socket{context, zmq::socket_type::dealer};

  RawPeer(const Plant& plant, const char* name) {
    const auto key = plant.key_of(name);
    socket.set(zmq::sockopt::linger, 2000);
    socket.set(zmq::sockopt::routing_id, name);
    socket.set(zmq::sockopt::curve_serverkey, plant.keys.server()->public_key);
    socket.set(zmq::sockopt::curve_publickey, key.public_key);
    socket.set(zmq::sockopt::curve_secretkey, key.secret_key);
    socket.connect(plant.server->endpoint());
  }
  void send(const std::string& frame) { static_cast<void>(socket.send(zmq::buffer(frame), zmq::send_flags::none)); }
};

}  // namespace

TEST_CASE("small and large envelopes arrive whole in both directions") {
  Plant plant{"a"};
  Node node(plant, "a");
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{1000}, kChunkBytes, std::size_t{9} << 20}) {
    CAPTURE(bytes);
    node.client->send(blob_of(bytes));
    const auto there = plant.received.take();
    REQUIRE(there);
    CHECK(there->first == "a");
    CHECK(there->second->blob().data().size() == bytes);
    plant.server->send("a", blob_of(bytes));
    const auto back = node.received.take();
    REQUIRE(back);
    CHECK((*back)->blob().data().size() == bytes);
  }
}

TEST_CASE("a key that is not on the list, and a wrong server key, are refused with the reason") {
  Plant plant{"a"};
  Node stranger(plant, "a", new_key_pair(), plant.keys.server()->public_key);
  const auto why = stranger.refused.take();
  REQUIRE(why);
  CHECK(why->find("allow-list") != std::string::npos);
  Node misled(plant, "a", plant.key_of("a"), new_key_pair().public_key);
  const auto which = misled.refused.take();
  REQUIRE(which);
  CHECK(which->find("server key") != std::string::npos);
  CHECK(plant.server->counters().refused >= 1);
}

TEST_CASE("a key opens one name only") {
  Plant plant{"a", "b"};
  Node impostor(plant, "a", plant.key_of("b"), plant.keys.server()->public_key);
  impostor.client->send(blob_of(1));
  CHECK(becomes_true([&] { return plant.server->counters().impostors > 0; }));
  Node honest(plant, "b");
  honest.client->send(blob_of(2));
  const auto first = plant.received.take();
  REQUIRE(first);
  CHECK(first->first == "b");
}

TEST_CASE("a node that is added later gets in, and one that is revoked is told and heard no more") {
  Plant plant{"a"};
  REQUIRE(plant.keys.add("late"));
  Node late(plant, "late");
  late.client->send(blob_of(1));
  REQUIRE(plant.received.take());
  REQUIRE(plant.keys.revoke("late"));
  CHECK(plant.gone.take() == "late");
  const auto goodbye = late.received.take();
  REQUIRE(goodbye);
  CHECK((*goodbye)->goodbye().reason().find("revoked") != std::string::npos);
  const auto heard = plant.server->counters().impostors.load();
  late.client->send(blob_of(2));
  CHECK(becomes_true([&] { return plant.server->counters().impostors > heard; }));
}

TEST_CASE("garbage is counted and dropped, and the same connection still works") {
  Plant plant{"a"};
  RawPeer peer(plant, "a");
  for (const auto& frame : {std::string("\xff\xff\xff garbage"), std::string(500'000, '\x80')}) peer.send(frame);
  peer.send(blob_of(5)->SerializeAsString());
  const auto good = plant.received.take();
  REQUIRE(good);
  CHECK(good->second->blob().data().size() == 5);
  CHECK(plant.server->counters().garbled == 2);
}

TEST_CASE("a frame over the limit costs its sender the connection and nobody else") {
  Plant plant{"a", "b"};
  RawPeer flood(plant, "a");
  flood.send(std::string(kFrameBytesMax + 1, 'x'));
  Node node(plant, "b");
  node.client->send(blob_of(3));
  const auto other = plant.received.take();
  REQUIRE(other);
  CHECK(other->first == "b");
  CHECK(plant.server->counters().bytes_in < kFrameBytesMax);
}

TEST_CASE("questions over the local socket are answered, and without a plant there is nobody") {
  Envelope question;
  question.mutable_status_request();
  Folder empty;
  CHECK(ask_coordinator(empty.path, question, 1000).error().code == ErrorCode::not_found);
  Plant plant{"a"};
  std::thread coordinator([&] {
    const auto asked = plant.received.take();
    auto answer = std::make_shared<Envelope>();
    answer->mutable_status()->set_phase("collect");
    if (asked && asked->first.starts_with(kControlPeer)) plant.server->send(asked->first, std::move(answer));
  });
  const auto answer = ask_coordinator(plant.folder.path / "control", question, 20'000);
  coordinator.join();
  REQUIRE(answer);
  CHECK(answer->status().phase() == "collect");
}

TEST_CASE("an address in use is an error that names it") {
  Plant plant{"a"};
  const auto second = ServerTransport::start(plant.server->endpoint(), plant.keys, {}, {[](const std::string&, EnvelopePtr) {}, [](const std::string&) {}});
  REQUIRE_FALSE(second);
  CHECK(second.error().what.find(plant.server->endpoint()) != std::string::npos);
}
