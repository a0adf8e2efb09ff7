// Two tables: the words of newer dumps, the periods for older ones.
#include "actors/miner/stackoverflow/attribution.hpp"

#include <algorithm>

namespace mendel::miner {
namespace {

struct Period {
  const char* until;  // exclusive, ISO date
  const char* license;
};
constexpr Period kPeriods[] = {{"2011-04-08", "CC-BY-SA-2.5"}, {"2018-05-02", "CC-BY-SA-3.0"}, {"9999-99-99", "CC-BY-SA-4.0"}};

struct Stated {
  const char* words;
  const char* license;
};
constexpr Stated kStated[] = {{"CC BY-SA 2.5", "CC-BY-SA-2.5"}, {"CC BY-SA 3.0", "CC-BY-SA-3.0"}, {"CC BY-SA 4.0", "CC-BY-SA-4.0"}};

bool is_date(std::string_view text) {
  return text.size() >= 10 && text[4] == '-' && text[7] == '-' && std::all_of(text.begin(), text.begin() + 4, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::string post_license(std::string_view stated, std::string_view created) {
  for (const auto& row : kStated)
    if (stated == row.words) return row.license;
  if (!is_date(created)) return {};
  return std::find_if(std::begin(kPeriods), std::end(kPeriods), [&](const auto& row) { return created.substr(0, 10) < row.until; })->license;
}

Attribution attribution(const Post& post, std::string_view site, std::uint32_t question) {
  const std::string root = "https://" + std::string(site);
  Attribution out;
  const bool asks = post.id() == question;
  out.set_part(asks ? "question" : "answer");
  out.set_url(root + (asks ? "/questions/" : "/a/") + std::to_string(post.id()));
  out.set_license(post_license(post.license(), post.created()));
  if (post.owner() != 0) out.set_profile(root + "/users/" + std::to_string(post.owner()));
  // Posts.xml names only those who have no account any more; the profile tells the others' names.
  out.set_author(!post.owner_name().empty() ? post.owner_name() : post.owner() != 0 ? "user" + std::to_string(post.owner()) : "anonymous");
  return out;
}

}  // namespace mendel::miner
