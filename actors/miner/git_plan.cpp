// The walk cut into pieces. The pieces depend on the history and the configuration alone, so their work
// ids are the same on every node.
#include "actors/miner/git_plan.hpp"

#include "actors/miner/clone.hpp"
#include "actors/miner/repository.hpp"

namespace mendel::miner {

Result<std::vector<std::vector<std::string>>> plan(const std::string& repository, const Config& config) {
  const auto folder = local_repository(repository, config);
  if (!folder) return folder.error();
  const auto opened = Repository::open(*folder);
  if (!opened) return opened.error();
  auto history = opened->history();
  if (!history) return history.error();
  auto& commits = history->commits;
  const auto newest = config.mine().commits_max();
  if (newest != 0 && commits.size() > newest) commits.resize(newest);
  std::vector<std::vector<std::string>> out;
  for (std::size_t i = 0; i < commits.size(); ++i) {
    if (i % config.mine().commits_per_item() == 0) out.emplace_back();
    out.back().push_back(commits[i].hex());
  }
  return out;
}

}  // namespace mendel::miner
