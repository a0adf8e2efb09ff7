// What both sides of the wire share: socket limits, the wake-up of the thread that owns the sockets, and
// handshake events.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <utility>
#include <vector>
#include <zmq.hpp>

#include "actors/runtime/frames.hpp"

namespace mendel::runtime {

inline constexpr int kHeartbeatMs = 1000, kHeartbeatTimeoutMs = 2000, kHandshakeMs = 5000;
inline constexpr int kQueueFrames = 128;  // of ZeroMQ, per peer and direction: at most 128 MiB of frames

enum HandshakeEvent : std::uint16_t {
  kHandshakeOk = 0x1000,
  kHandshakeNoDetail = 0x0800,
  kHandshakeProtocol = 0x2000,
  kHandshakeRefused = 0x4000,
  kDisconnected = 0x0200,
  kHandshakeAny = kHandshakeOk | kHandshakeNoDetail | kHandshakeProtocol | kHandshakeRefused,
};

// Limits, heartbeats and no lingering, on any socket that leaves the process.
void set_limits(zmq::socket_t& socket);

// Watches handshakes of `socket`, or what else `events` names; the answer receives its events.
zmq::socket_t watch_handshakes(zmq::context_t& context, zmq::socket_t& socket, const std::string& name, int events = kHandshakeAny);
// The next event without waiting; 0 if there is none.
std::uint16_t next_handshake(zmq::socket_t& monitor);

// Envelopes on their way to the thread that owns the sockets. put is thread-safe.
class Egress {
 public:
  Egress();
  ~Egress();
  Egress(const Egress&) = delete;
  Egress& operator=(const Egress&) = delete;

  void put(std::string peer, EnvelopePtr envelope);
  void wake() const;
  std::vector<std::pair<std::string, EnvelopePtr>> take();
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
  std::mutex mutex_;
  std::vector<std::pair<std::string, EnvelopePtr>> queue_;
};

// A short path to a folder whose own path may be too long for a socket's name.
class FolderHandle {
 public:
  explicit FolderHandle(const std::string& folder);
  ~FolderHandle();
  FolderHandle(const FolderHandle&) = delete;
  FolderHandle& operator=(const FolderHandle&) = delete;
  bool open() const { return descriptor_ >= 0; }
  std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_;
};

}  // namespace mendel::runtime
