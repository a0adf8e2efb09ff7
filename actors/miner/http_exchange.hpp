// One HTTP exchange as the miner wants it; who carries it out (actors/runtime/http.hpp, or a test) is
// handed in as a function.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "actors/miner/secret.hpp"
#include "proto/result.hpp"

namespace mendel::miner {

struct HttpRequest {
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers;  // nothing secret
  const Secret* bearer = nullptr;  // sent as "Authorization: Bearer …"; null: none
};

struct HttpAnswer {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case; of several of one name the last
  std::string body;

  std::string header(const std::string& name) const {
    const auto at = headers.find(name);
    return at == headers.end() ? std::string() : at->second;
  }
};

// Redirects are answered, never followed. An Error means that no answer came: io_error (network, time),
// too_large, invalid_input (an address that must not be asked).
using HttpGet = std::function<Result<HttpAnswer>(const HttpRequest&)>;

}  // namespace mendel::miner
