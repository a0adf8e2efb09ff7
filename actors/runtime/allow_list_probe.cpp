// A rogue of our own: connects with a key that nobody added.
#include <chrono>

#include "actors/runtime/transport.hpp"
#include "actors/runtime/wire_socket.hpp"

namespace mendel::runtime {

constexpr int kLookMs = 100;

Outcome probe_allow_list(const std::string& endpoint, const std::string& server_key) {
  auto address = endpoint;
  for (const char* any : {"tcp://0.0.0.0:", "tcp://[::]:"})
    if (address.starts_with(any)) address = "tcp://127.0.0.1:" + address.substr(std::string(any).size());
  const auto rogue = new_key_pair();
  zmq::context_t context(1);
  zmq::socket_t socket(context, zmq::socket_type::dealer);
  set_limits(socket);
  socket.set(zmq::sockopt::curve_serverkey, server_key);
  socket.set(zmq::sockopt::curve_publickey, rogue.public_key);
  socket.set(zmq::sockopt::curve_secretkey, rogue.secret_key);
  auto monitor = watch_handshakes(context, socket, "inproc://probe");
  socket.connect(address);
  // Looks, not the clock: who was stopped as a whole in the middle of this has proven nothing yet.
  for (int waited_ms = 0; waited_ms < kProbeLimitMs; waited_ms += kLookMs) {
    zmq::pollitem_t items[] = {{monitor.handle(), 0, ZMQ_POLLIN, 0}};
    zmq::poll(items, 1, std::chrono::milliseconds(kLookMs));
    const auto event = next_handshake(monitor);
    if (event == kHandshakeRefused) return Done{};
    if (event == kHandshakeOk) return Error{ErrorCode::unavailable, "the allow-list does not hold: a made-up key got in on " + endpoint + "; not running"};
  }
  return Error{ErrorCode::unavailable, "could not prove within 5 s that a made-up key is refused on " + endpoint + "; not running"};
}

}  // namespace mendel::runtime
