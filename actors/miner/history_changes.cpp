// One walk over the commits of an item; sizes are asked before texts are compared.
#include "actors/miner/history_changes.hpp"

#include <optional>
#include <utility>

#include "actors/miner/clone.hpp"
#include "actors/miner/function_pairs.hpp"
#include "actors/miner/remote_name.hpp"
#include "actors/miner/repository.hpp"
#include "actors/syntax/tokens.hpp"

namespace mendel::miner {

struct HistoryReader::State {
  Config config;
  std::string named, root;
  std::optional<Repository> repository;

  Outcome open(const std::string& name) {
    if (repository && named == name) return Done{};
    repository.reset();
    const auto folder = local_repository(name, config);
    if (!folder) return folder.error();
    auto opened = Repository::open(*folder);
    if (!opened) return opened.error();
    const auto history = opened->history();
    if (!history) return history.error();
    root = history->root ? history->root->hex() : "";
    repository = *std::move(opened);
    named = name;
    return Done{};
  }

  void read_commit(const std::string& hex, FileChanges& out) {
    const auto id = ObjectId::from_hex(hex);
    const auto commit = id ? repository->commit(*id) : Result<Commit>(Error{ErrorCode::invalid_input, hex});
    if (!commit || commit->parents.size() != 1) return;
    const auto parent = repository->commit(commit->parents[0]);
    if (!parent) return;
    const auto changes = repository->python_changes(parent->tree, commit->tree, kFilesMax + 1);
    if (!changes || changes->production.size() > kFilesMax) return;
    for (const auto& file : changes->production)
      if (file.before && file.after && is_text(file.path)) read_file(hex, *commit, file, out);
  }

  void read_file(const std::string& hex, const Commit& commit, const miner::FileChange& file, FileChanges& out) {
    const auto bytes_max = config.mine().blob_bytes_max();
    auto before = repository->blob(*file.before, bytes_max);
    auto after = before ? repository->blob(*file.after, bytes_max) : before;
    if (!before || !after || !is_text(*before) || !is_text(*after)) return;
    const auto lines_max = config.mine().changed_lines_max();
    std::uint64_t lines = 0;
    for (const auto& hunk : syntax::line_difference(*before, *after, lines_max + 1))
      lines += hunk.before_end - hunk.before_begin + hunk.after_end - hunk.after_begin;
    if (lines == 0 || lines > lines_max) return;
    auto& change = *out.add_changes();
    change.set_before(*std::move(before));
    change.set_after(*std::move(after));
    auto& source = *change.mutable_source();
    source.set_repository(repository->name());
    source.set_commit(hex);
    source.set_path(file.path);
    source.set_license(repository->license(commit.tree));
    source.set_author(commit.author);
    source.set_url(commit_url(repository->name(), hex));
    source.set_fork_root(root);
  }
};

HistoryReader::HistoryReader(const Config& config) : state_(std::make_unique<State>()) { state_->config = config; }
HistoryReader::HistoryReader(HistoryReader&&) noexcept = default;
HistoryReader& HistoryReader::operator=(HistoryReader&&) noexcept = default;
HistoryReader::~HistoryReader() = default;

Result<FileChanges> HistoryReader::read(const MineGit& input) {
  if (auto opened = state_->open(input.repository()); !opened) return opened.error();
  FileChanges out;
  for (const auto& commit : input.commits()) state_->read_commit(commit, out);
  return out;
}

}  // namespace mendel::miner
