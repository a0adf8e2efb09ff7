// Peers that mean harm or are broken, on real sockets: a door that is open, giant frames, readers that do not
// read, other versions.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>

#include "actors/runtime/coordinator_core.hpp"
#include "actors/runtime/node_core.hpp"
#include "actors/runtime/wire_socket.hpp"
#include "tests/runtime/fake_store.hpp"
#include "tests/runtime/plant_fixture.hpp"
#include "tests/runtime/wire_fixture.hpp"

using namespace mendel;
using namespace mendel::runtime;
using namespace mendel::runtime::samples;

namespace {

// Bytes on the port of a plant, without ZeroMQ.
struct RawConnection {
  int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  explicit RawConnection(const std::string& endpoint) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(endpoint.substr(endpoint.rfind(':') + 1))));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    const timeval patience{20, 0};
    ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
  ~RawConnection() { ::close(socket); }

  void send(const std::string& bytes) const { REQUIRE(::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size())); }
  // True once the other side hung up; false after 20 s.
  bool closed() const {
    char buffer[4096];
    ssize_t got = 0;
    while ((got = ::recv(socket, buffer, sizeof buffer, 0)) > 0) {}
    return got == 0 || errno == ECONNRESET;
  }
};

// ZMTP 3.1: signature, version, mechanism, as-server, filler.
std::string greeting() {
  std::string out("\xff\0\0\0\0\0\0\0\1\x7f\3\1", 12);
  out += std::string("CURVE").append(15, '\0');
  return out.append(32, '\0');
}

std::uint64_t resident_bytes() {
  std::ifstream in("/proc/self/statm");
  std::uint64_t size = 0, resident = 0;
  in >> size >> resident;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

// A coordinator behind real sockets that lets nodes in or not.
struct Coordinator {
  FakeStore store;
  PlantCore plant{small_config(), Until::dataset, {"dataset", "runs"}, store};
  CoordinatorCore core{plant, store, Moment(0)};
  Plant wire{"old"};

  // Takes one message and answers it.
  void answer_one() {
    const auto asked = wire.received.take();
    REQUIRE(asked);
    Outbox out;
    core.receive(asked->first, *asked->second, Moment(0), out);
    for (const auto& [peer, envelope] : out) wire.server->send(peer, envelope);
  }
};

}  // namespace

TEST_CASE("a coordinator whose allow-list does not hold is found out by a made-up key") {
  const auto key = new_key_pair();
  zmq::context_t context(1);
  zmq::socket_t open_door(context, zmq::socket_type::router);
  set_limits(open_door);
  open_door.set(zmq::sockopt::curve_server, true);
  open_door.set(zmq::sockopt::curve_secretkey, key.secret_key);
  open_door.bind("tcp://127.0.0.1:*");
  const auto endpoint = open_door.get(zmq::sockopt::last_endpoint);
  const auto found = probe_allow_list(endpoint, key.public_key);
  REQUIRE_FALSE(found);
  CHECK(found.error().code == ErrorCode::unavailable);
  CHECK(found.error().what.find("made-up key got in on " + endpoint) != std::string::npos);
  Plant plant{"a"};
  CHECK(probe_allow_list(plant.server->endpoint(), plant.keys.server()->public_key));
}

TEST_CASE("a frame that announces 8 GB before it has shown a key is hung up on, and nothing is allocated for it") {
  Plant plant{"a"};
  const auto before = resident_bytes();
  RawConnection raw(plant.server->endpoint());
  raw.send(greeting());
  raw.send(std::string("\6\0\0\0\2\0\0\0\0", 9) + std::string(1000, 'x'));  // a long command of 2^33 bytes
  CHECK(raw.closed());
  CHECK(resident_bytes() < before + (64u << 20));
  Node node(plant, "a");
  node.client->send(blob_of(3));
  CHECK(plant.received.take());
}

TEST_CASE("who connects and says nothing is hung up on after the time for a handshake") {
  Plant plant{"a"};
  RawConnection silent(plant.server->endpoint());
  CHECK(silent.closed());
}

TEST_CASE("a node that does not read costs its own messages and a bounded queue, not the others'") {
  Plant plant{"slow", "quick"};
  RawPeer slow(plant, "slow", 1);
  slow.send(blob_of(1)->SerializeAsString());
  REQUIRE(plant.received.take());
  const auto before = resident_bytes();
  const auto large = blob_of(500'000);
  for (int i = 0; i < 1200; ++i) plant.server->send("slow", large);  // 600 MB
  CHECK(becomes_true([&] { return plant.server->counters().dropped > 0; }));
  Node quick(plant, "quick");
  quick.client->send(blob_of(2));
  REQUIRE(plant.received.take());
  plant.server->send("quick", blob_of(7));
  const auto got = quick.received.take();
  REQUIRE(got);
  CHECK((*got)->blob().data().size() == 7);
  CHECK(resident_bytes() < before + (400u << 20));
}

TEST_CASE("a node of another version is refused by a sentence that names both, over the wire, and ends") {
  Coordinator coordinator;
  Node node(coordinator.wire, "old");
  Hello hello;
  hello.set_node("old");
  hello.add_roles("mutator");
  hello.set_protocol(kProtocol + 1);
  hello.set_schema("0123456789abcdef0123456789abcdef");
  hello.set_build("mendel 9.9.9");
  NodeCore core(hello, {Stage::mutate}, {});
  NodeActions actions;
  core.start(Moment(0), actions);
  for (const auto& envelope : actions.send) node.client->send(envelope);
  coordinator.answer_one();
  const auto answer = node.received.take();
  REQUIRE(answer);
  core.receive(**answer, Moment(0), actions);
  CAPTURE(actions.refused);
  for (const auto& named : {build_name(), std::string("mendel 9.9.9"), schema_hash().substr(0, 12), std::string("0123456789ab")})
    CHECK(actions.refused.find(named) != std::string::npos);
  CHECK_FALSE(core.joined());
  CHECK(coordinator.core.nodes() == 0);
}
