// HTTP over libcurl for sources that ask a server: one GET at a time, bounded in time and size, only to
// places that a data plant has any business with.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "actors/miner/http_exchange.hpp"
#include "proto/result.hpp"

namespace mendel::runtime {

struct HttpLimits {
  std::uint32_t timeout_ms = 30'000;  // of one exchange, from the look-up of the name to the last byte
  std::size_t body_bytes_max = 16u << 20;  // after decompression
  // Addresses of private networks may be asked: for a server that the owner named. Link-local ones, where
  // clouds keep their metadata, never.
  bool private_addresses = false;
};

// What the network says about an address.
enum class AddressKind { everywhere, loopback, private_network, forbidden };
AddressKind kind_of(const sockaddr& address);

// True for 127.0.0.0/8, ::1 and localhost, without a port.
bool is_loopback_host(std::string_view host);

// "HOST" of "https://HOST:PORT/…" (no brackets around IPv6).
std::string host_of(std::string_view url);

// https only, plain http only on the loopback; the name's addresses are looked at when the connection is
// made, so that no name can lead elsewhere. Redirects are answered, not followed. Obeys the proxies of the
// environment (then the proxy looks names up, and only addresses in the URL itself are judged). No cookies,
// no .netrc, no configuration files. A token is sent in its header and appears in no error.
// Not thread-safe.
class HttpClient {
 public:
  // `stop` is asked while waiting; true ends the exchange with `interrupted`.
  static Result<std::unique_ptr<HttpClient>> start(HttpLimits limits, std::function<bool()> stop);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // As HttpGet says.
  Result<miner::HttpAnswer> get(const miner::HttpRequest& request);

 private:
  struct State;
  explicit HttpClient(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace mendel::runtime
