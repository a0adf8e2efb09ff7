// Windows are a stack of [from, until] seconds; the older half is looked at first.
#include "actors/miner/github_search.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>
#include <nlohmann/json.hpp>

namespace mendel::miner {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kNameBytesMax = 140;

struct Window {
  std::int64_t from_s, until_s;  // both inside
};

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || std::string_view("-_.~").find(c) != std::string_view::npos;
    if (plain) {
      out.push_back(c);
    } else {
      out.push_back('%');
      out.push_back("0123456789ABCDEF"[static_cast<unsigned char>(c) >> 4]);
      out.push_back("0123456789ABCDEF"[static_cast<unsigned char>(c) & 15]);
    }
  }
  return out;
}

std::uint64_t number_of(const Json& object, const char* key) {
  const auto at = object.find(key);
  return at != object.end() && at->is_number_unsigned() ? at->get<std::uint64_t>() : 0;
}

std::string text_of(const Json& object, const char* key) {
  const auto at = object.find(key);
  return at != object.end() && at->is_string() ? at->get<std::string>() : std::string();
}

bool flag_of(const Json& object, const char* key) {
  const auto at = object.find(key);
  return at != object.end() && at->is_boolean() && at->get<bool>();
}

std::optional<GithubRepository> repository_of(const Json& object) {
  if (!object.is_object()) return std::nullopt;
  GithubRepository out;
  out.name = text_of(object, "full_name");
  if (!is_repository_name(out.name)) return std::nullopt;
  out.id = number_of(object, "id");
  out.stars = number_of(object, "stargazers_count");
  out.size_kib = number_of(object, "size");
  out.fork = flag_of(object, "fork");
  out.archived = flag_of(object, "archived");
  if (object.contains("license") && object["license"].is_object()) out.license = text_of(object["license"], "spdx_id");
  if (out.license == "NOASSERTION") out.license.clear();
  for (const char* key : {"source", "parent"})  // source is the root, parent the next one up
    if (out.fork_of.empty() && object.contains(key) && object[key].is_object()) out.fork_of = text_of(object[key], "full_name");
  if (!is_repository_name(out.fork_of)) out.fork_of.clear();
  return out;
}

std::string page_address(const std::string& api, const std::string& query, const Window& window) {
  const auto all = query + " created:" + timestamp(window.from_s) + ".." + timestamp(window.until_s);
  return api + "/search/repositories?q=" + escaped(all) + "&per_page=100";
}

// Reads the first page and those that its links name. Answers false if the window shows too much.
Result<bool> read_window(GithubClient& client, const std::string& api, const std::string& query, const Window& window, SearchSummary& summary,
                         const std::function<void(GithubRepository)>& found) {
  const bool smallest = window.from_s >= window.until_s;
  std::uint64_t pages = 0;
  for (auto url = page_address(api, query, window); !url.empty() && pages < kSearchResultsMax / 10; ++pages) {
    auto page = client.get(url, GithubResource::search);
    if (!page) return page.error();
    if (page->reason == "past_results" && pages > 0) break;
    if (page->reason != "ok")
      return Error{page->reason == "past_results" ? ErrorCode::invalid_input : ErrorCode::unavailable,
                   "the search \"" + query + "\" was not answered (" + page->reason + (page->detail.empty() ? "" : ": " + page->detail) + ")"};
    const auto body = Json::parse(page->body, nullptr, false);
    if (!body.is_object() || !body.contains("items") || !body["items"].is_array())
      return Error{ErrorCode::unavailable, "the search \"" + query + "\" was answered by something that is no list of repositories"};
    if (number_of(body, "total_count") > kSearchResultsMax && !smallest) return false;
    if (number_of(body, "total_count") > kSearchResultsMax && pages == 0) ++summary.truncated;
    if (flag_of(body, "incomplete_results")) ++summary.incomplete;
    for (const auto& item : body["items"])
      if (auto repository = repository_of(item)) found(*std::move(repository));
    url = redirect_target(url, page->next);
  }
  return true;
}

}  // namespace

std::optional<GithubRepository> repository_from(std::string_view json) { return repository_of(Json::parse(json, nullptr, false)); }

bool is_repository_name(std::string_view name) {
  const auto slash = name.find('/');
  if (slash == std::string_view::npos || name.size() > kNameBytesMax || name.find('/', slash + 1) != std::string_view::npos) return false;
  for (const auto part : {name.substr(0, slash), name.substr(slash + 1)}) {
    const bool plain = std::all_of(part.begin(), part.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
    });
    if (part.empty() || part == "." || part == ".." || part[0] == '-' || !plain) return false;
  }
  return true;
}

std::optional<std::int64_t> day_start_s(std::string_view day) {
  const std::string text(day);
  std::tm when{};
  const char* end = strptime(text.c_str(), "%Y-%m-%d", &when);
  if (text.size() != 10 || end == nullptr || *end != '\0') return std::nullopt;
  return static_cast<std::int64_t>(timegm(&when));
}

std::string timestamp(std::int64_t seconds) {
  const auto time = static_cast<std::time_t>(seconds);
  std::tm when{};
  gmtime_r(&time, &when);
  std::array<char, 40> out{};
  std::strftime(out.data(), out.size(), "%Y-%m-%dT%H:%M:%SZ", &when);
  return out.data();
}

Result<SearchSummary> search_repositories(GithubClient& client, const std::string& api, const std::string& query, std::int64_t from_s,
                                          std::int64_t until_s, const std::function<void(GithubRepository)>& found) {
  SearchSummary summary;
  std::vector<Window> open = {{from_s, until_s}};
  while (!open.empty()) {
    const auto window = open.back();
    open.pop_back();
    const auto read = read_window(client, api, query, window, summary, found);
    if (!read) return read.error();
    if (*read) {
      ++summary.windows;
      continue;
    }
    ++summary.cut;
    const auto middle = window.from_s + (window.until_s - window.from_s) / 2;
    open.push_back({middle + 1, window.until_s});
    open.push_back({window.from_s, middle});
  }
  return summary;
}

}  // namespace mendel::miner
