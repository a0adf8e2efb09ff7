// One easy handle that keeps its connection.
#include "actors/runtime/http.hpp"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>

namespace mendel::runtime {
namespace {

using miner::HttpAnswer;
using miner::HttpRequest;

constexpr std::size_t kHeaderBytesMax = 64u << 10;
constexpr long kConnectTimeoutMs = 10'000;

struct Range {
  std::uint32_t address;
  int bits;
  AddressKind kind;
};

// IANA's special-purpose addresses; the first row that fits.
constexpr Range kRanges[] = {
    {0x7F000000, 8, AddressKind::loopback},         // 127.0.0.0/8
    {0x0A000000, 8, AddressKind::private_network},  // 10.0.0.0/8
    {0xAC100000, 12, AddressKind::private_network}, // 172.16.0.0/12
    {0xC0A80000, 16, AddressKind::private_network}, // 192.168.0.0/16
    {0x646464C8, 32, AddressKind::forbidden},       // 100.100.100.200: metadata of a cloud
    {0x64400000, 10, AddressKind::private_network}, // 100.64.0.0/10
    {0xA9FE0000, 16, AddressKind::forbidden},       // 169.254.0.0/16, link-local: metadata of clouds
    {0x00000000, 8, AddressKind::forbidden},        // 0.0.0.0/8
    {0xC0000000, 24, AddressKind::forbidden},       // 192.0.0.0/24
    {0xC6120000, 15, AddressKind::forbidden},       // 198.18.0.0/15, benchmarks
    {0xE0000000, 3, AddressKind::forbidden},        // multicast and reserved
};

AddressKind kind_of_v4(std::uint32_t address) {
  for (const auto& range : kRanges)
    if ((address ^ range.address) >> (32 - range.bits) == 0) return range.kind;
  return AddressKind::everywhere;
}

AddressKind kind_of_v6(const in6_addr& address) {
  const auto* b = address.s6_addr;
  const bool zeros = std::all_of(b, b + 10, [](unsigned char c) { return c == 0; });
  const auto last = static_cast<std::uint32_t>(b[12]) << 24 | static_cast<std::uint32_t>(b[13]) << 16 | static_cast<std::uint32_t>(b[14]) << 8 | b[15];
  if (IN6_IS_ADDR_LOOPBACK(&address)) return AddressKind::loopback;
  if (zeros && ((b[10] == 0xFF && b[11] == 0xFF) || (b[10] == 0 && b[11] == 0))) return kind_of_v4(last);  // mapped, compatible
  if (b[0] == 0x00 && b[1] == 0x64 && b[2] == 0xFF && b[3] == 0x9B) return kind_of_v4(last);               // 64:ff9b::/96
  constexpr std::array<unsigned char, 16> kMetadata = {0xFD, 0x00, 0x0E, 0xC2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0x54};
  if (std::equal(kMetadata.begin(), kMetadata.end(), b)) return AddressKind::forbidden;
  if ((b[0] & 0xFE) == 0xFC) return AddressKind::private_network;                   // fc00::/7
  if (b[0] == 0xFE && (b[1] & 0xC0) == 0xC0) return AddressKind::private_network;   // fec0::/10
  return (b[0] & 0xE0) == 0x20 ? AddressKind::everywhere : AddressKind::forbidden;  // only 2000::/3 is routed
}

// Of a host that is an address itself; everywhere if it is a name.
AddressKind kind_of_host(const std::string& host) {
  in_addr v4{};
  in6_addr v6{};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) return kind_of_v4(ntohl(v4.s_addr));
  if (inet_pton(AF_INET6, host.c_str(), &v6) == 1) return kind_of_v6(v6);
  return AddressKind::everywhere;
}

bool has_proxy() {
  for (const char* name : {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"})
    if (const char* value = std::getenv(name); value != nullptr && *value != '\0') return true;
  return false;
}

struct Exchange {
  HttpAnswer answer;
  const HttpLimits* limits = nullptr;
  const std::function<bool()>* stop = nullptr;
  std::size_t header_bytes = 0;
  bool loopback = false, proxied = false;
  bool too_large = false, refused = false;
};

bool may_ask(AddressKind kind, const Exchange& exchange) {
  if (kind == AddressKind::loopback) return exchange.loopback;
  if (kind == AddressKind::private_network) return exchange.limits->private_addresses;
  return kind == AddressKind::everywhere;
}

curl_socket_t open_socket(void* user, curlsocktype, curl_sockaddr* address) {
  auto& exchange = *static_cast<Exchange*>(user);
  if (!exchange.proxied && !may_ask(kind_of(address->addr), exchange)) {
    exchange.refused = true;
    return CURL_SOCKET_BAD;
  }
  return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

std::size_t take_body(char* data, std::size_t size, std::size_t count, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  const auto bytes = size * count;
  if (exchange.answer.body.size() + bytes > exchange.limits->body_bytes_max) {
    exchange.too_large = true;
    return 0;
  }
  exchange.answer.body.append(data, bytes);
  return bytes;
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

std::size_t take_header(char* data, std::size_t size, std::size_t count, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  const std::string_view line(data, size * count);
  exchange.header_bytes += line.size();
  if (exchange.header_bytes > kHeaderBytesMax) {
    exchange.too_large = true;
    return 0;
  }
  if (line.starts_with("HTTP/")) exchange.answer.headers.clear();  // an interim answer came before
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return line.size();
  std::string name(trimmed(line.substr(0, colon)));
  std::transform(name.begin(), name.end(), name.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  exchange.answer.headers[std::move(name)] = trimmed(line.substr(colon + 1));
  return line.size();
}

int look_at_stop(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) { return (*static_cast<Exchange*>(user)->stop)() ? 1 : 0; }

// Wiped before it is freed: one of the lines is the token.
struct HeaderList {
  curl_slist* list = nullptr;
  ~HeaderList() {
    for (auto* at = list; at != nullptr; at = at->next)
      for (volatile char* c = at->data; *c != '\0'; ++c) *c = ' ';
    curl_slist_free_all(list);
  }
  void add(const std::string& line) { list = curl_slist_append(list, line.c_str()); }
};

void set_up(CURL* handle, const std::string& url, curl_slist* headers, Exchange& exchange) {
  curl_easy_reset(handle);
  curl_easy_setopt(handle, CURLOPT_URL, url.c_str());
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, exchange.loopback ? "http,https" : "https");
  curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(handle, CURLOPT_USERAGENT, "mendel");
  curl_easy_setopt(handle, CURLOPT_ACCEPT_ENCODING, "");
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, kConnectTimeoutMs);
  curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, static_cast<long>(exchange.limits->timeout_ms));
  if (exchange.loopback) curl_easy_setopt(handle, CURLOPT_PROXY, "");
  curl_easy_setopt(handle, CURLOPT_OPENSOCKETFUNCTION, open_socket);
  curl_easy_setopt(handle, CURLOPT_OPENSOCKETDATA, &exchange);
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, take_body);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &exchange);
  curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, take_header);
  curl_easy_setopt(handle, CURLOPT_HEADERDATA, &exchange);
  curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, look_at_stop);
  curl_easy_setopt(handle, CURLOPT_XFERINFODATA, &exchange);
}

}  // namespace

struct HttpClient::State {
  HttpLimits limits;
  std::function<bool()> stop;
  CURL* handle = nullptr;
  ~State() { curl_easy_cleanup(handle); }
};

AddressKind kind_of(const sockaddr& address) {
  if (address.sa_family == AF_INET) return kind_of_v4(ntohl(reinterpret_cast<const sockaddr_in&>(address).sin_addr.s_addr));
  if (address.sa_family == AF_INET6) return kind_of_v6(reinterpret_cast<const sockaddr_in6&>(address).sin6_addr);
  return AddressKind::forbidden;
}

bool is_loopback_host(std::string_view host) { return host == "localhost" || kind_of_host(std::string(host)) == AddressKind::loopback; }

std::string host_of(std::string_view url) {
  const auto scheme = url.find("://");
  if (scheme == std::string_view::npos) return {};
  auto host = url.substr(scheme + 3);
  host = host.substr(0, host.find_first_of("/?#\\"));
  if (const auto at = host.rfind('@'); at != std::string_view::npos) host.remove_prefix(at + 1);
  if (host.starts_with('[')) return std::string(host.substr(1, host.find(']') - 1));
  return std::string(host.substr(0, host.find(':')));
}

HttpClient::HttpClient(std::unique_ptr<State> state) : state_(std::move(state)) {}
HttpClient::~HttpClient() = default;

Result<std::unique_ptr<HttpClient>> HttpClient::start(HttpLimits limits, std::function<bool()> stop) {
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  auto state = std::make_unique<State>();
  state->limits = limits;
  state->stop = std::move(stop);
  state->handle = ready == CURLE_OK ? curl_easy_init() : nullptr;
  if (state->handle == nullptr) return Error{ErrorCode::unavailable, "libcurl cannot be started"};
  return std::unique_ptr<HttpClient>(new HttpClient(std::move(state)));
}

Result<HttpAnswer> HttpClient::get(const HttpRequest& request) {
  const auto host = host_of(request.url);
  Exchange exchange;
  exchange.limits = &state_->limits;
  exchange.stop = &state_->stop;
  exchange.loopback = is_loopback_host(host);
  exchange.proxied = !exchange.loopback && has_proxy();
  const bool scheme = request.url.starts_with("https://") || (exchange.loopback && request.url.starts_with("http://"));
  if (!scheme || host.empty() || request.url.find('@') < request.url.find('/', 8))
    return Error{ErrorCode::invalid_input, host + ": only https addresses without a user are asked (plain http on the loopback)"};
  if (!may_ask(kind_of_host(host), exchange)) return Error{ErrorCode::invalid_input, host + ": an address that must not be asked"};

  HeaderList headers;
  for (const auto& [name, value] : request.headers) headers.add(name + ": " + value);
  if (request.bearer != nullptr) {
    const miner::Secret line("Authorization: Bearer " + std::string(request.bearer->reveal()));
    headers.list = curl_slist_append(headers.list, line.reveal().data());
  }
  CURL* handle = state_->handle;
  set_up(handle, request.url, headers.list, exchange);
  const auto code = curl_easy_perform(handle);
  long status = 0;
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, nullptr);
  exchange.answer.status = static_cast<int>(status);
  if (code == CURLE_OK) return std::move(exchange.answer);
  if (code == CURLE_ABORTED_BY_CALLBACK) return Error{ErrorCode::interrupted, host + ": broken off"};
  if (exchange.refused) return Error{ErrorCode::invalid_input, host + ": leads to an address that must not be asked"};
  if (exchange.too_large) return Error{ErrorCode::too_large, host + ": the answer is longer than " + std::to_string(state_->limits.body_bytes_max) + " bytes"};
  return Error{ErrorCode::io_error, host + ": " + curl_easy_strerror(code)};
}

}  // namespace mendel::runtime
