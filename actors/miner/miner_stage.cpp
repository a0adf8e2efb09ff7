// The funnel of one commit. A commit that a rule leaves out is only counted; one that fits every rule
// of history but gives no pair is a rejection with its reason.
#include "actors/miner/miner_stage.hpp"

#include <array>

#include "actors/miner/clone.hpp"
#include "actors/miner/fix_commit.hpp"
#include "actors/miner/fix_test.hpp"
#include "actors/miner/function_pairs.hpp"
#include "actors/miner/git_plan.hpp"
#include "actors/miner/mining_funnel.hpp"
#include "actors/miner/project_reader.hpp"
#include "actors/miner/remote_name.hpp"
#include "actors/miner/repository.hpp"
#include "actors/miner/shared_history.hpp"
#include "actors/syntax/source_origin.hpp"
#include "proto/pair_json.hpp"

namespace mendel::miner {
namespace {

constexpr std::array<FunnelStep, 11> kSteps = {{
    {kCommits, "commits looked at"},
    {kNonMerge, "with at most one parent"},
    {kTouchesPython, "that touch a .py file"},
    {kFixMessage, "whose message says that a bug is fixed"},
    {kOneFile, "that modify exactly one production .py file"},
    {kSmall, "with few enough changed lines"},
    {kInFunctions, "all of them inside functions of both sides"},
    {kFixes, "that gave at least one pair"},
    {kPairs, "pairs (one for each changed function)"},
    {kTestChanged, "of commits that change a test file too"},
    {kWithTest, "that bring the tests it adds or changes, and what they need"},
}};

// A repository and what is asked of it again for every commit.
struct OpenRepository {
  std::string named;  // as in the item
  Repository repository;
  std::shared_ptr<const History> history;
  std::string root;
  ProjectReader project;
};

// What an item says, whichever source it comes from.
struct MiningInput {
  SourceKind::Value kind = SourceKind::git;
  const MineGit* history = nullptr;
  std::string license;  // stands in where the files show none
};

constexpr std::size_t kCarriedBytesMax = 32u << 20;  // of all tests of one run of commits: a result must fit into one message

class GitMiner final : public MinerStage {
 public:
  explicit GitMiner(const Config& config) : config_(config) {}

  Result<WorkResult> run(const WorkItem& item) override {
    if (!item.has_mine_git() && !item.has_mine_github()) return Error{ErrorCode::invalid_input, "the miner was given an item of another stage"};
    input_ = item.has_mine_git() ? MiningInput{SourceKind::git, &item.mine_git(), {}}
                                 : MiningInput{SourceKind::github, &item.mine_github().history(), item.mine_github().license()};
    const auto& input = *input_.history;
    if (auto opened = open(input.repository()); !opened) return opened.error();
    WorkResult result;
    result.set_item_id(item.id());
    result.set_stage(item.stage());
    for (const auto& step : kSteps) (*result.mutable_funnel())[step.counter];
    carried_bytes_ = 0;
    if (!input.commits().empty()) {
      for (const auto& commit : input.commits()) mine(commit, result);
      return result;
    }
    const auto pieces = plan(input.repository(), config_);
    if (!pieces) return pieces.error();
    for (const auto& piece : *pieces) {
      carried_bytes_ = 0;
      for (const auto& commit : piece) mine(commit, result);
    }
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
    auto history = shared_history(*repository, *folder);
    if (!history) return history.error();
    auto root = (*history)->root ? (*history)->root->hex() : "";
    open_ = std::make_unique<OpenRepository>(OpenRepository{named, *std::move(repository), *std::move(history), std::move(root), ProjectReader(config_.mine().blob_bytes_max())});
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
    const auto verdict = judge_commit(open_->repository, *open_->history, hex);
    for (const char* counter : verdict.passed) count(counter, result);
    if (verdict.fix) mine_file(*verdict.fix, result);
    else if (!verdict.reason.empty()) reject(hex, verdict.reason.c_str(), verdict.detail, result);
  }

  void mine_file(const Fix& fix, WorkResult& result) {
    const auto& change = fix.file;
    if (!is_text(change.path)) return reject(fix.hex, "path_not_utf8", "", result);
    const auto subject = fix.hex + ":" + change.path;
    const auto bytes_max = config_.mine().blob_bytes_max();
    const auto before = open_->repository.blob(*change.before, bytes_max);
    const auto after = before ? open_->repository.blob(*change.after, bytes_max) : before;
    if (!before || !after) {
      const auto& error = before ? after.error() : before.error();
      return reject(subject, error.code == ErrorCode::too_large ? "too_large" : "blob_unreadable", error.what, result);
    }
    if (const char* reason = syntax::why_not_own(change.path, *after); *reason != '\0') return reject(subject, reason, "", result);
    const auto found = function_pairs(parser_, *before, *after, {config_.mine().changed_lines_max(), config_.mine().functions_max()});
    if (found.small) count(kSmall, result);
    if (found.inside_functions) count(kInFunctions, result);
    if (found.pairs.empty()) return reject(subject, found.reason, found.detail, result);
    count(kFixes, result);
    count(kPairs, result, found.pairs.size());
    const auto tests = config_.mine().tests() ? changed_tests(fix) : std::vector<ChangedTest>();
    for (const auto& pair : found.pairs) add_pair(fix, *after, tests, pair, result);
  }

  // The test files that the commit changes; those that cannot be read are left out.
  std::vector<ChangedTest> changed_tests(const Fix& fix) {
    std::vector<ChangedTest> out;
    for (const auto& file : fix.tests) {
      if (!file.after || !is_text(file.path)) continue;
      const auto bytes_max = config_.mine().blob_bytes_max();
      auto after = open_->repository.blob(*file.after, bytes_max);
      auto before = file.before ? open_->repository.blob(*file.before, bytes_max) : Result<std::string>(std::string());
      if (after && before && is_text(*after) && is_text(*before)) out.push_back({file.path, std::move(*before), std::move(*after)});
    }
    return out;
  }

  void add_tests(const Fix& fix, std::string_view after, const std::vector<ChangedTest>& tests, const FunctionPair& found, Pair& pair, WorkResult& result) {
    if (tests.empty() || found.bug.bug_class == BugClass::syntax) return;  // of a syntax error the parser is the proof
    count(kTestChanged, result);
    const std::size_t bytes_max = std::size_t{config_.mine().test_kib_max()} << 10;
    const auto read = [&](const std::string& path) { return open_->project.read(open_->repository, fix.commit.tree, path); };
    const bool has_room = carried_bytes_ + bytes_max <= kCarriedBytesMax;
    auto brought = has_room ? fix_tests(parser_, {fix.file.path, after, found.symbol, found.buggy, found.fixed}, tests, read, bytes_max) : FixTests{{}, "no_room"};
    if (brought.tests.empty()) return count((std::string("mine.without_test.") + brought.reason).c_str(), result);
    count(kWithTest, result);
    for (auto& test : brought.tests) {
      carried_bytes_ += test.ByteSizeLong();
      *pair.add_tests() = std::move(test);
    }
  }

  void add_pair(const Fix& fix, std::string_view after, const std::vector<ChangedTest>& tests, const FunctionPair& found, WorkResult& result) {
    auto& pair = *result.add_pairs();
    pair.set_buggy(found.buggy);
    pair.set_fixed(found.fixed);
    pair.mutable_bug()->set_class_(found.bug.bug_class);
    pair.mutable_bug()->set_type(found.bug.type);
    auto& source = *pair.mutable_source();
    source.set_kind(input_.kind);
    source.set_repository(open_->repository.name());
    source.set_commit(fix.hex);
    source.set_path(fix.file.path);
    source.set_symbol(found.symbol);
    source.set_license(open_->repository.license(fix.commit.tree));
    if (source.license().empty()) source.set_license(input_.license);
    source.set_author(fix.commit.author);
    source.set_url(commit_url(open_->repository.name(), fix.hex));
    source.set_fork_root(open_->root);
    add_tests(fix, after, tests, found, pair, result);
    set_pair_id(pair);
  }

  Config config_;
  MiningInput input_;
  syntax::Parser parser_;
  std::unique_ptr<OpenRepository> open_;
  std::size_t carried_bytes_ = 0;
};

}  // namespace

std::span<const FunnelStep> mining_funnel() { return kSteps; }

Result<std::unique_ptr<MinerStage>> MinerStage::start(const Config& config) {
  return std::unique_ptr<MinerStage>(std::make_unique<GitMiner>(config));
}

}  // namespace mendel::miner
