// Tokens of the API: from files that only their owner may read, never from arguments or the environment.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "actors/miner/secret.hpp"
#include "proto/result.hpp"

namespace mendel::miner {

struct GithubToken {
  std::string file;  // for messages
  Secret secret;
};

// One token a file: `files`, then every file github-token* of `credentials` (systemd's
// $CREDENTIALS_DIRECTORY; empty: none), by name. invalid_input names a file that others may read, that is
// a link or not a regular file, or that holds no token; not_found a missing one. No error quotes a content.
Result<std::vector<GithubToken>> read_tokens(std::span<const std::string> files, const std::string& credentials);

// `text` with every token in it replaced.
std::string without_tokens(std::string text, std::span<const GithubToken> tokens);
bool holds_token(std::string_view text, std::span<const GithubToken> tokens);

inline constexpr std::size_t kTokenBytesMin = 8, kTokenBytesMax = 512;

}  // namespace mendel::miner
