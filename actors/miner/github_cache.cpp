// FOLDER/HH/HASH.json; the hash is of the address, which the file repeats.
#include "actors/miner/github_cache.hpp"

#include <unistd.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "proto/ids.hpp"

namespace mendel::miner {
namespace {

using Json = nlohmann::json;

std::string text_of(const Json& object, const char* key) {
  const auto at = object.find(key);
  return at != object.end() && at->is_string() ? at->get<std::string>() : std::string();
}

}  // namespace

std::filesystem::path GithubCache::path_of(const std::string& url) const {
  const auto hash = ContentHash().add(url).finish<>().hex();
  return folder_ / hash.substr(0, 2) / (hash.substr(2) + ".json");
}

std::optional<CachedAnswer> GithubCache::find(const std::string& url) const {
  std::ifstream file(path_of(url), std::ios::binary);
  if (!file) return std::nullopt;
  const std::string text(std::istreambuf_iterator<char>(file), {});
  const auto kept = Json::parse(text, nullptr, false);
  if (!kept.is_object() || text_of(kept, "url") != url) return std::nullopt;
  const auto fetched = kept.find("fetched_ms");
  if (fetched == kept.end() || !fetched->is_number_integer()) return std::nullopt;
  return CachedAnswer{url, fetched->get<std::int64_t>(), text_of(kept, "reason"), text_of(kept, "etag"), text_of(kept, "next"), text_of(kept, "moved_to"),
                      text_of(kept, "body")};
}

Outcome GithubCache::keep(const CachedAnswer& answer) const {
  const auto path = path_of(answer.url);
  const auto half = path.string() + "." + std::to_string(getpid()) + ".part";
  const Json kept = {{"url", answer.url},   {"fetched_ms", answer.fetched_ms}, {"reason", answer.reason}, {"etag", answer.etag},
                     {"next", answer.next}, {"moved_to", answer.moved_to},     {"body", answer.body}};
  std::error_code error;
  std::filesystem::create_directories(path.parent_path(), error);
  std::ofstream file(half, std::ios::binary);
  file << kept.dump(-1, ' ', false, Json::error_handler_t::replace);
  file.close();
  if (file) std::filesystem::rename(half, path, error);
  if (file && !error) return Done{};
  std::error_code ignored;
  std::filesystem::remove(half, ignored);
  return Error{ErrorCode::io_error, path.string() + ": cannot be written" + (error ? ": " + error.message() : "")};
}

}  // namespace mendel::miner
