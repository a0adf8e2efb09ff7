// A list is enough: it holds a few files, and looking one up costs nothing beside parsing it.
#include "actors/miner/recent_trees.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace mendel::miner {

Result<const syntax::Tree*> RecentTrees::parse(std::string_view path, std::string_view text) {
  const auto known = std::find_if(versions_.begin(), versions_.end(), [&](const Version& version) { return version.path == path; });
  versions_.push_front({std::string(path), std::string(text), syntax::Tree(nullptr, {})});
  auto& newest = versions_.front();
  auto tree = known == versions_.end() ? parser_.parse(newest.text) : parser_.parse(newest.text, known->tree);
  if (known != versions_.end()) versions_.erase(known);
  if (!tree) {
    versions_.pop_front();
    return tree.error();
  }
  newest.tree = std::move(tree).value();
  std::size_t bytes = newest.text.size();
  for (auto at = std::next(versions_.begin()); at != versions_.end();) {
    bytes += at->text.size();
    at = bytes > text_bytes_max_ ? versions_.erase(at) : std::next(at);
  }
  return &newest.tree;
}

}  // namespace mendel::miner
