// A coordinator's transport with keys in a folder that goes away, nodes on it, and a peer that speaks raw frames.
#pragma once

#include <doctest/doctest.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <zmq.hpp>

#include "actors/runtime/transport.hpp"
#include "tests/storage/samples.hpp"

namespace mendel::runtime::samples {

using storage::samples::Folder;
using namespace std::chrono_literals;

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

inline bool becomes_true(const std::function<bool()>& condition) {
  const auto until = std::chrono::steady_clock::now() + 20s;
  while (!condition() && std::chrono::steady_clock::now() < until) std::this_thread::yield();
  return condition();
}

inline EnvelopePtr blob_of(std::size_t bytes) {
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

  // It keeps at most `unread` frames that nobody reads.
  RawPeer(const Plant& plant, const char* name, int unread = 1000) {
    const auto key = plant.key_of(name);
    socket.set(zmq::sockopt::rcvhwm, unread);
    socket.set(zmq::sockopt::linger, 2000);
    socket.set(zmq::sockopt::routing_id, name);
    socket.set(zmq::sockopt::curve_serverkey, plant.keys.server()->public_key);
    socket.set(zmq::sockopt::curve_publickey, key.public_key);
    socket.set(zmq::sockopt::curve_secretkey, key.secret_key);
    socket.connect(plant.server->endpoint());
  }
  void send(const std::string& frame) { static_cast<void>(socket.send(zmq::buffer(frame), zmq::send_flags::none)); }
};

}  // namespace mendel::runtime::samples
