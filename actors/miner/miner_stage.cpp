// The funnel of one commit. A commit that a rule leaves out is only counted; one that fits every rule
// of history but gives no pair is a rejection with its reason.
#include "actors/miner/miner_stage.hpp"

#include <array>

#include "actors/miner/clone.hpp"
#include "actors/miner/function_pairs.hpp"
#include "actors/miner/git_plan.hpp"
#include "actors/miner/message_rule.hpp"
#include "actors/miner/mining_funnel.hpp"
#include "actors/miner/remote_name.hpp"
#include "actors/miner/repository.hpp"
#include "actors/syntax/source_origin.hpp"
#include "proto/pair_json.hpp"

namespace mendel::miner {
namespace {

constexpr std::array<FunnelStep, 9> kSteps = {{
    {kCommits, "commits looked at"},
    {kNonMerge, "with at most one parent"},
    {kTouchesPython, "that touch a .py file"},
    {kFixMessage, "whose message says that a bug is fixed"},
    {kOneFile, "that modify exactly one production .py file"},
    {kSmall, "with few enough changed lines"},
    {kInFunctions, "all of them inside functions of both sides"},
    {kFixes, "that gave at least one pair"},
    {kPairs, "pairs (one for each changed function)"},
}};

// A repository and what is asked of it again for every commit.
struct OpenRepository {
  std::string named;  // as in the item
  Repository repository;
  std::string root;
  bool shallow = false;
};

class GitMiner final : public MinerStage {
 public:
  explicit GitMiner(const Config& config) : config_(config) {}

  Result<WorkResult> run(const WorkItem& item) override {
    if (item.input_case() != WorkItem::kMineGit)
      return Error{ErrorCode::invalid_input, "the miner was given an item of another stage"};
    const auto& input = item.mine_git();
    if (auto opened = open(input.repository()); !opened) return opened.error();
    WorkResult result;
    result.set_item_id(item.id());
    result.set_stage(Stage::mine_git);
    for (const auto& step : kSteps) (*result.mutable_funnel())[step.counter];
    if (!input.commits().empty()) {
      for (const auto& commit : input.commits()) mine(commit, result);
      return result;
    }
    const auto pieces = plan(input.repository(), config_);
    if (!pieces) return pieces.error();
    for (const auto& piece : *pieces)
      for (const auto& commit : piece) mine(commit, result);
    return result;
  }

 private:
  Outcome open(const std::string& named) {
    if (open_ && open_->named == named) return Done{};
    open_.reset();
    const auto folder = local_repository(named, config_);
    if (!folder) return folder.error();
    auto repository = Repository::open(*folder);
    if (!repository) return repository.error();
    const auto history = repository->history();
    if (!history) return history.error();
    open_ = std::make_unique<OpenRepository>(
        OpenRepository{named, *std::move(repository), history->root ? history->root->hex() : "", history->shallow});
    return Done{};
  }

  void count(const char* counter, WorkResult& result, std::uint64_t n = 1) { (*result.mutable_funnel())[counter] += n; }

  void reject(const std::string& subject, const char* reason, const std::string& detail, WorkResult& result) {
    auto& rejection = *result.add_rejections();
    rejection.set_subject(subject);
    rejection.set_reason(reason);
    rejection.set_detail(detail);
    ++(*result.mutable_funnel())[std::string("mine.rejected.") + reason];
  }

  void mine(const std::string& hex, WorkResult& result) {
    count(kCommits, result);
    const auto id = ObjectId::from_hex(hex);
    if (!id) return reject("commit", "bad_commit_id", "40 lower-case hex digits were expected", result);
    const auto commit = open_->repository.commit(*id);
    if (!commit) return reject(hex, "commit_unreadable", commit.error().what, result);
    if (commit->parents.size() > 1) return;
    count(kNonMerge, result);
    std::optional<ObjectId> parent_tree;
    if (!commit->parents.empty()) {
      const auto parent = open_->repository.commit(commit->parents[0]);
      if (!parent && open_->shallow) return count(kBeyondClone, result);
      if (!parent) return reject(hex, "parent_unreadable", parent.error().what, result);
      parent_tree = parent->tree;
    }
    constexpr std::size_t kEnoughToTell = 2;
    const auto changes = open_->repository.python_changes(parent_tree, commit->tree, kEnoughToTell);
    if (!changes) return reject(hex, "tree_unreadable", changes.error().what, result);
    if (!changes->any) return;
    count(kTouchesPython, result);
    if (!is_bug_fix(commit->message)) return;
    count(kFixMessage, result);
    const auto& files = changes->production;
    if (files.size() != 1 || !files[0].before || !files[0].after) return;
    count(kOneFile, result);
    mine_file(hex, *commit, files[0], result);
  }

  void mine_file(const std::string& hex, const Commit& commit, const FileChange& change, WorkResult& result) {
    if (!is_text(change.path)) return reject(hex, "path_not_utf8", "", result);
    const auto subject = hex + ":" + change.path;
    const auto bytes_max = config_.mine().blob_bytes_max();
    const auto before = open_->repository.blob(*change.before, bytes_max);
    const auto after = before ? open_->repository.blob(*change.after, bytes_max) : before;
    if (!before || !after) {
      const auto& error = before ? after.error() : before.error();
      return reject(subject, error.code == ErrorCode::too_large ? "too_large" : "blob_unreadable", error.what, result);
    }
    if (const char* reason = syntax::why_not_own(change.path, *after); *reason != '\0') return reject(subject, reason, "", result);
    const auto found = function_pairs(trees_, change.path, *before, *after, config_.mine().changed_lines_max());
    if (found.small) count(kSmall, result);
    if (found.inside_functions) count(kInFunctions, result);
    if (found.pairs.empty()) return reject(subject, found.reason, found.detail, result);
    count(kFixes, result);
    count(kPairs, result, found.pairs.size());
    for (const auto& pair : found.pairs) add_pair(hex, commit, change.path, pair, result);
  }

  void add_pair(const std::string& hex, const Commit& commit, const std::string& path, const FunctionPair& found, WorkResult& result) {
    auto& pair = *result.add_pairs();
    pair.set_buggy(found.buggy);
    pair.set_fixed(found.fixed);
    pair.mutable_bug()->set_class_(found.bug.bug_class);
    pair.mutable_bug()->set_type(found.bug.type);
    auto& source = *pair.mutable_source();
    source.set_kind(SourceKind::git);
    source.set_repository(open_->repository.name());
    source.set_commit(hex);
    source.set_path(path);
    source.set_symbol(found.symbol);
    source.set_license(open_->repository.license(commit.tree));
    source.set_author(commit.author);
    source.set_url(commit_url(open_->repository.name(), hex));
    source.set_fork_root(open_->root);
    set_pair_id(pair);
  }

  Config config_;
  RecentTrees trees_;
  std::unique_ptr<OpenRepository> open_;
};

}  // namespace

std::span<const FunnelStep> mining_funnel() { return kSteps; }

Result<std::unique_ptr<MinerStage>> MinerStage::start(const Config& config) {
  return std::unique_ptr<MinerStage>(std::make_unique<GitMiner>(config));
}

}  // namespace mendel::miner
