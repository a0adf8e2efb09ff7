// Answers of the API on disk, one file an address, so that a run that was broken off goes on for free and
// an old answer costs nothing of the limit to ask again (ETag).
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "proto/result.hpp"

namespace mendel::miner {

struct CachedAnswer {
  std::string url;
  std::int64_t fetched_ms = 0;  // or confirmed, since 1970
  std::string reason;  // of the rule that decided it; "ok" with a body
  std::string etag, next;  // next: address of the page that follows
  std::string moved_to;  // not empty: a permanent redirect, nothing else counts
  std::string body;
};

// Several processes may share a folder: files are replaced as a whole.
class GithubCache {
 public:
  explicit GithubCache(std::filesystem::path folder) : folder_(std::move(folder)) {}

  // A file that cannot be read, is damaged or is of another address is as if it were not there.
  std::optional<CachedAnswer> find(const std::string& url) const;
  // io_error names the file.
  Outcome keep(const CachedAnswer& answer) const;

 private:
  std::filesystem::path path_of(const std::string& url) const;
  std::filesystem::path folder_;
};

}  // namespace mendel::miner
