// Searches for repositories. A search shows 1,000 results at most, so one that has more is cut by the date
// on which repositories were created, until every part shows all of its own.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "actors/miner/github_client.hpp"

namespace mendel::miner {

// As the API tells it; names are checked, so that they are safe in addresses and paths.
struct GithubRepository {
  std::uint64_t id = 0;
  std::string name;  // OWNER/NAME
  std::string license;  // SPDX id; empty: none, or one that GitHub does not know
  std::string fork_of;  // root of the fork network; empty: no fork, or not told (searches do not)
  bool fork = false, archived = false;
  std::uint64_t stars = 0, size_kib = 0;
};

// Nothing if `text` is no such object or its name is none.
std::optional<GithubRepository> repository_from(std::string_view json);

// "OWNER/NAME" of letters, digits, '-', '_' and '.', none of both "." or "..".
bool is_repository_name(std::string_view name);

// YYYY-MM-DD → seconds since 1970 at its beginning.
std::optional<std::int64_t> day_start_s(std::string_view day);
std::string timestamp(std::int64_t seconds);  // 2020-01-31T00:00:00Z

struct SearchSummary {
  std::uint64_t windows = 0;  // searches that were read to their end
  std::uint64_t cut = 0;  // windows that were halved
  std::uint64_t truncated = 0;  // of one second and still too many: 1,000 of them were seen
  std::uint64_t incomplete = 0;  // the server said that it ran out of time
};

// All repositories that `query` finds and that were created in [from_s, until_s], each once or more, by the
// order of the windows. `query` must not name "created:" itself. Errors as of GithubClient::get, and
// invalid_input if the server does not take the query.
Result<SearchSummary> search_repositories(GithubClient& client, const std::string& api, const std::string& query, std::int64_t from_s,
                                          std::int64_t until_s, const std::function<void(GithubRepository)>& found);

inline constexpr std::uint64_t kSearchResultsMax = 1000;

}  // namespace mendel::miner
