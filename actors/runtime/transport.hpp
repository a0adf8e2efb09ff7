// ZeroMQ between processes: one thread a process owns the sockets and carries envelopes.
//
// The coordinator's side is a ROUTER with CURVE and a ZAP allow-list (the key folder, read again when it
// changes); a node's side is a DEALER. Frames are at most 1 MiB, queues are bounded, nothing lingers.
// What the transport drops (a full queue, a lost peer) the protocol sends again.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "actors/runtime/frames.hpp"
#include "actors/runtime/keys.hpp"
#include "proto/result.hpp"

namespace mendel::runtime {

struct TransportCounters {
  std::atomic<std::uint64_t> frames_in{0}, frames_out{0}, bytes_in{0}, bytes_out{0};
  std::atomic<std::uint64_t> refused{0};  // handshakes of unknown keys
  std::atomic<std::uint64_t> impostors{0};  // frames whose routing id is not the name behind the key
  std::atomic<std::uint64_t> garbled{0};  // frames that are no envelope
  std::atomic<std::uint64_t> dropped{0};  // frames that found no peer or a full queue
};

// Called on the transport's thread; must not block.
struct ServerEvents {
  std::function<void(const std::string& peer, EnvelopePtr)> received;
  std::function<void(const std::string& peer)> gone;  // cut off, or no longer there when sent to
};

// The coordinator's side. `send` is thread-safe.
class ServerTransport {
 public:
  // Binds `endpoint` (tcp://HOST:PORT, port * for any) and, if `control` is not empty, a local socket
  // in that 0700 folder. Refuses to run (unavailable) if a made-up key gets in.
  static Result<std::unique_ptr<ServerTransport>> start(const std::string& endpoint, KeyFolder keys, const std::filesystem::path& control,
                                                        ServerEvents events);
  virtual ~ServerTransport() = default;  // sends what is queued for at most kFlushMs, then ends
  virtual void send(const std::string& peer, EnvelopePtr envelope) = 0;
  virtual std::string endpoint() const = 0;  // with the real port; empty if only the local socket
  virtual const TransportCounters& counters() const = 0;

  static constexpr int kFlushMs = 500;
};

// Tries to get in with a made-up key: CURVE without a handler that refuses lets anyone in. unavailable unless
// it was refused within kProbeLimitMs in which this process ran. `ServerTransport::start` does this to itself.
Outcome probe_allow_list(const std::string& endpoint, const std::string& server_key);
inline constexpr int kProbeLimitMs = 5000;

struct ClientEvents {
  std::function<void(EnvelopePtr)> received;
  // The coordinator refused the key, or is not the one whose key we hold: trying again is no use.
  std::function<void(const std::string& reason)> refused;
  // The connection is there (again), or gone; it is tried again by itself.
  std::function<void(bool connected)> link = [](bool) {};
};

struct ClientOptions {
  std::string name;  // routing id; the coordinator checks it against the key
  std::string endpoint;
  KeyPair own;
  std::string server_key;
};

// A node's side. `send` is thread-safe; while the coordinator is away frames are dropped.
class ClientTransport {
 public:
  static Result<std::unique_ptr<ClientTransport>> start(ClientOptions options, ClientEvents events);
  virtual ~ClientTransport() = default;
  virtual void send(EnvelopePtr envelope) = 0;
  virtual const TransportCounters& counters() const = 0;
};

// Asks the coordinator of this data folder over its local socket. not_found: none runs here.
Result<Envelope> ask_coordinator(const std::filesystem::path& control, const Envelope& question, int timeout_ms);

// Peers of the local socket have names with this prefix.
inline constexpr const char* kControlPeer = "control:";

}  // namespace mendel::runtime
