// The funnel of one thread: Python on both sides, aligned, a pair with all who wrote it.
#include "actors/miner/stackoverflow/stackoverflow_stage.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "actors/miner/stackoverflow/alignment.hpp"
#include "actors/miner/stackoverflow/attribution.hpp"
#include "actors/miner/stackoverflow/code_blocks.hpp"
#include "actors/miner/stackoverflow/dump_funnel.hpp"
#include "actors/miner/stackoverflow/snippet.hpp"
#include "actors/syntax/source_text.hpp"
#include "proto/pair_json.hpp"

namespace mendel::miner {
namespace {

constexpr std::array<FunnelStep, 13> kSteps = {{
    {kRows, "rows of the dump"},
    {kPosts, "questions and answers"},
    {kQuestions, "questions"},
    {kAsked, "questions with a wanted tag"},
    {kAskedWithCode, "with a block of code"},
    {kAnswers, "answers to them"},
    {kScored, "scored well enough"},
    {kAnswersWithCode, "with a block of code"},
    {kThreads, "questions that have one"},
    {kChosen, "accepted or best answers of these"},
    {kWithPython, "with Python 3 in question and answer"},
    {kAligned, "whose code mends code of the question"},
    {kDumpPairs, "pairs (functions and blocks)"},
}};

struct PostCode {
  std::vector<Snippet> snippets;
  bool any = false;  // one that was not left out
  const char* reason = "no_code";  // of the first that was
};

PostCode code_of(const Post& post, const Stackoverflow& settings) {
  PostCode out;
  for (const auto& block : code_blocks(post.body())) {
    auto snippet = snippet_of(block, settings.lines_max());
    out.any = out.any || !snippet.text.empty();
    if (*snippet.reason != '\0' && std::string_view(out.reason) == "no_code") out.reason = snippet.reason;
    out.snippets.push_back(std::move(snippet));
  }
  return out;
}

class ThreadMiner final : public StackoverflowStage {
 public:
  explicit ThreadMiner(const Config& config) : settings_(config.stackoverflow()) {}

  Result<WorkResult> run(const WorkItem& item) override {
    if (item.input_case() != WorkItem::kMineStackoverflow)
      return Error{ErrorCode::invalid_input, "the miner of dumps was given an item of another stage"};
    WorkResult result;
    result.set_item_id(item.id());
    result.set_stage(Stage::mine_stackoverflow);
    for (const char* counter : {kWithPython, kAligned, kDumpPairs}) (*result.mutable_funnel())[counter];
    for (const auto& count : item.mine_stackoverflow().scanned()) (*result.mutable_funnel())[count.name()] += count.n();
    for (const auto& thread : item.mine_stackoverflow().threads()) mine(thread, item.mine_stackoverflow().site(), result);
    return result;
  }

 private:
  void reject(const std::string& subject, const char* reason, WorkResult& result) {
    auto& rejection = *result.add_rejections();
    rejection.set_subject(subject);
    rejection.set_reason(reason);
    ++(*result.mutable_funnel())[std::string("stackoverflow.rejected.") + reason];
  }

  void mine(const Thread& thread, const std::string& site, WorkResult& result) {
    const auto asked = code_of(thread.question(), settings_);
    std::set<std::pair<std::string, std::string>> seen;
    for (const auto& answer : thread.answers()) {
      const auto subject = "https://" + site + "/a/" + std::to_string(answer.id());
      if (!asked.any) {
        reject(subject, asked.reason, result);
        continue;
      }
      const auto answered = code_of(answer, settings_);
      if (!answered.any) {
        reject(subject, answered.reason, result);
        continue;
      }
      ++(*result.mutable_funnel())[kWithPython];
      auto aligned = align(parser_, asked.snippets, answered.snippets, settings_);
      if (aligned.pairs.empty()) {
        reject(subject, aligned.left_out.empty() ? "no_counterpart" : aligned.left_out.front(), result);
        continue;
      }
      ++(*result.mutable_funnel())[kAligned];
      for (auto& pair : aligned.pairs)
        if (seen.emplace(pair.buggy, pair.fixed).second) add_pair(thread, answer, site, pair, result);
    }
  }

  static void add_pair(const Thread& thread, const Post& answer, const std::string& site, AlignedPair& found, WorkResult& result) {
    const auto question = thread.question().id();
    const auto by_asker = attribution(thread.question(), site, question), by_answerer = attribution(answer, site, question);
    auto& pair = *result.add_pairs();
    pair.set_buggy(std::move(found.buggy));
    pair.set_fixed(std::move(found.fixed));
    pair.mutable_bug()->set_class_(found.bug.bug_class);
    pair.mutable_bug()->set_type(found.bug.type);
    auto& source = *pair.mutable_source();
    source.set_kind(SourceKind::stackoverflow);
    source.set_repository(site);
    source.set_path("questions/" + std::to_string(question) + "/" + std::to_string(answer.id()));
    source.set_symbol(found.symbol);
    // Both texts are in the pair: the later version of the licence holds for what is made of the two.
    source.set_license(std::max(by_asker.license(), by_answerer.license()));
    source.set_author(by_answerer.author());
    source.set_url(by_asker.url());
    source.set_fork_root(by_asker.url());
    *source.add_attributions() = by_asker;
    *source.add_attributions() = by_answerer;
    set_pair_id(pair);
    ++(*result.mutable_funnel())[kDumpPairs];
  }

  Stackoverflow settings_;
  syntax::Parser parser_;
};

}  // namespace

std::span<const FunnelStep> dump_funnel() { return kSteps; }

Result<std::unique_ptr<StackoverflowStage>> StackoverflowStage::start(const Config& config) {
  return std::unique_ptr<StackoverflowStage>(std::make_unique<ThreadMiner>(config));
}

}  // namespace mendel::miner
