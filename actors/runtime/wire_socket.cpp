// Settings and small parts of the sockets.
#include "actors/runtime/wire_socket.hpp"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstring>

namespace mendel::runtime {

void set_limits(zmq::socket_t& socket) {
  socket.set(zmq::sockopt::linger, 0);
  socket.set(zmq::sockopt::sndhwm, kQueueFrames);
  socket.set(zmq::sockopt::rcvhwm, kQueueFrames);
  socket.set(zmq::sockopt::maxmsgsize, static_cast<std::int64_t>(kFrameBytesMax));
  socket.set(zmq::sockopt::heartbeat_ivl, kHeartbeatMs);
  socket.set(zmq::sockopt::heartbeat_timeout, kHeartbeatTimeoutMs);
  socket.set(zmq::sockopt::heartbeat_ttl, 2 * kHeartbeatTimeoutMs);
  socket.set(zmq::sockopt::handshake_ivl, kHandshakeMs);
}

zmq::socket_t watch_handshakes(zmq::context_t& context, zmq::socket_t& socket, const std::string& name, int events) {
  zmq_socket_monitor(socket.handle(), name.c_str(), events);
  zmq::socket_t monitor(context, zmq::socket_type::pair);
  monitor.set(zmq::sockopt::linger, 0);
  monitor.connect(name);
  return monitor;
}

std::uint16_t next_handshake(zmq::socket_t& monitor) {
  zmq::message_t event, address;
  if (!monitor.recv(event, zmq::recv_flags::dontwait)) return 0;
  if (event.more()) static_cast<void>(monitor.recv(address));
  std::uint16_t number = 0;
  if (event.size() >= sizeof number) std::memcpy(&number, event.data(), sizeof number);
  return number;
}

Egress::Egress() : descriptor_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}
Egress::~Egress() { ::close(descriptor_); }

void Egress::wake() const {
  const std::uint64_t one = 1;
  static_cast<void>(!::write(descriptor_, &one, sizeof one));
}

void Egress::put(std::string peer, EnvelopePtr envelope) {
  {
    std::lock_guard lock(mutex_);
    queue_.emplace_back(std::move(peer), std::move(envelope));
  }
  wake();
}

std::vector<std::pair<std::string, EnvelopePtr>> Egress::take() {
  std::uint64_t count = 0;
  static_cast<void>(!::read(descriptor_, &count, sizeof count));
  std::lock_guard lock(mutex_);
  return std::exchange(queue_, {});
}

FolderHandle::FolderHandle(const std::string& folder) : descriptor_(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)) {}
FolderHandle::~FolderHandle() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace mendel::runtime
