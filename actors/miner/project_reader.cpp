// A little more is asked for than fix_test carries: the imports of tests that are taken out, conftest.py in any case.
#include "actors/miner/project_reader.hpp"

#include "actors/miner/fix_commit.hpp"
#include "actors/miner/function_pairs.hpp"

namespace mendel::miner {
namespace {

constexpr std::size_t kFilesKept = 2048;
constexpr std::size_t kProjectBytesMax = 16u << 20;

}  // namespace

std::shared_ptr<const CarriedFile> ProjectReader::read(const Repository& repository, const ObjectId& tree, const std::string& path) {
  const auto id = repository.file_at(tree, path);
  if (!id) return nullptr;
  if (known_.size() >= kFilesKept) known_.clear();
  const auto [at, fresh] = known_.try_emplace(*id);
  if (!fresh) return at->second;
  const auto text = repository.blob(*id, blob_bytes_max_);
  if (!text && !repository.holds(*id)) missing_.insert(*id);
  if (text && is_text(*text)) at->second = std::make_shared<const CarriedFile>(CarriedFile{without_prose(*text), imports_of(*text)});
  return at->second;
}

std::vector<ObjectId> contents_of_tests(const Repository& repository, const History& history, std::uint64_t blob_bytes_max) {
  ProjectReader reader(blob_bytes_max);
  for (const auto& id : history.commits) {
    const auto verdict = judge_commit(repository, history, id.hex());
    if (!verdict.fix) continue;
    const auto& fix = *verdict.fix;
    const ReadFile read = [&](const std::string& path) { return reader.read(repository, fix.commit.tree, path); };
    for (const auto& test : fix.tests) {
      if (!test.after) continue;
      ProjectFiles needed(read, kProjectBytesMax);
      for (const auto& path : {fix.file.path, test.path}) needed.start(path);
      for (const auto& path : {fix.file.path, test.path})
        if (const auto file = read(path)) needed.follow(path, file->imports);
      needed.follow_conftest(test.path);
    }
  }
  return {reader.missing().begin(), reader.missing().end()};
}

}  // namespace mendel::miner
