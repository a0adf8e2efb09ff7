// Which addresses may be asked at all. What goes over the wire is tested against a server in system/test_github.py.
#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>

#include <cstring>
#include <string>

#include "actors/runtime/http.hpp"

using namespace mendel;
using namespace mendel::runtime;

namespace {

AddressKind kind(const char* text) {
  sockaddr_storage storage{};
  auto& v4 = reinterpret_cast<sockaddr_in&>(storage);
  auto& v6 = reinterpret_cast<sockaddr_in6&>(storage);
  if (inet_pton(AF_INET, text, &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
  } else {
    REQUIRE(inet_pton(AF_INET6, text, &v6.sin6_addr) == 1);
    v6.sin6_family = AF_INET6;
  }
  return kind_of(reinterpret_cast<const sockaddr&>(storage));
}

Result<miner::HttpAnswer> get(const std::string& url) {
  auto client = HttpClient::start({}, [] { return false; });
  REQUIRE(client);
  miner::HttpRequest request;
  request.url = url;
  return (*client)->get(request);
}

}  // namespace

TEST_CASE("addresses of clouds' metadata are forbidden in every spelling") {
  for (const char* address : {"169.254.169.254", "100.100.100.200", "fd00:ec2::254", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "fe80::1", "0.0.0.0", "::",
                              "224.0.0.1", "255.255.255.255", "ff02::1"}) {
    CAPTURE(std::string(address));
    CHECK(kind(address) == AddressKind::forbidden);
  }
}

TEST_CASE("private, loopback and public addresses are told apart, at the edges too") {
  for (const char* address : {"10.0.0.1", "172.16.0.0", "172.31.255.255", "192.168.1.1", "100.64.0.1", "fd12::1", "::ffff:10.1.1.1"}) CHECK(kind(address) == AddressKind::private_network);
  for (const char* address : {"127.0.0.1", "127.255.255.255", "::1", "::ffff:127.0.0.1"}) CHECK(kind(address) == AddressKind::loopback);
  for (const char* address : {"140.82.121.6", "172.32.0.0", "11.0.0.0", "128.0.0.1", "2606:50c0:8000::64"}) CHECK(kind(address) == AddressKind::everywhere);
}

TEST_CASE("the host of an address is what stands between the slashes") {
  CHECK(host_of("https://api.github.com/x") == "api.github.com");
  CHECK(host_of("http://[::1]:80/x") == "::1");
  CHECK(host_of("https://a@b:1/c") == "b");
  CHECK(host_of("nothing").empty());
}

TEST_CASE("what must not be asked is refused before a connection is made") {
  for (const char* url : {"file:///etc/passwd", "http://example.com/", "ftp://example.com/", "https://user@example.com/", "https://169.254.169.254/", "https://10.0.0.1/",
                          "https://[fd00:ec2::254]/", "", "https://"}) {
    CAPTURE(std::string(url));
    const auto answer = get(url);
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == ErrorCode::invalid_input);
  }
}

TEST_CASE("an address where nobody listens is an error of the network") {
  const auto answer = get("http://127.0.0.1:1/");
  REQUIRE_FALSE(answer);
  CHECK(answer.error().code == ErrorCode::io_error);
}
