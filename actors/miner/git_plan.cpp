// The walk cut into pieces. The pieces depend on the history and the configuration alone, so their work
// ids are the same on every node.
#include "actors/miner/git_plan.hpp"

#include "actors/miner/clone.hpp"
#include "actors/miner/repository.hpp"
#include "actors/miner/shared_history.hpp"

namespace mendel::miner {

Result<std::vector<std::vector<std::string>>> plan(const std::string& repository, const Config& config) {
  const auto folder = local_repository(repository, config);
  if (!folder) return folder.error();
  const auto opened = Repository::open(*folder);
  if (!opened) return opened.error();
  const auto history = shared_history(*opened, *folder);
  if (!history) return history.error();
  const auto& commits = (*history)->commits;
  const auto newest = config.mine().commits_max();
  std::vector<std::vector<std::string>> out;
  for (std::size_t i = 0; i < commits.size() && (newest == 0 || i < newest); ++i) {
    if (i % config.mine().commits_per_item() == 0) out.emplace_back();
    out.back().push_back(commits[i].hex());
  }
  return out;
}

}  // namespace mendel::miner
