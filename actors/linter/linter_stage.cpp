// From files to pairs: one run of each linter over the batch, then each fix alone; and from changes to pairs.
#include "actors/linter/linter_stage.hpp"

#include <algorithm>
#include <map>
#include <optional>

#include "actors/linter/fix_pairs.hpp"
#include "actors/linter/lint_tool.hpp"
#include "actors/linter/rule_table.hpp"
#include "actors/linter/vanished.hpp"
#include "actors/syntax/source_origin.hpp"
#include "actors/syntax/source_text.hpp"
#include "actors/syntax/tree.hpp"
#include "proto/pair_json.hpp"

namespace mendel::linter {
namespace {

constexpr std::size_t kDetailBytesMax = 500;

// A fix that may become a pair, and how many of its rule stand before it in the file.
struct Choice {
  const Diagnostic* diagnostic;
  const LintRule* rule;
  std::size_t nth;
};

class FixLinter final : public LinterStage {
 public:
  FixLinter(const Config& config, Linters fixing, std::optional<Linters> all)
      : config_(config), fixing_(std::move(fixing)), all_(std::move(all)) {}

  Result<WorkResult> run(const WorkItem& item) override {
    if (item.input_case() == WorkItem::kLintChanges) return run_changes(item);
    if (item.input_case() != WorkItem::kLint)
      return Error{ErrorCode::invalid_input, "the linter was given an item of another stage"};
    WorkResult result;
    result.set_item_id(item.id());
    result.set_stage(Stage::lint);
    for (const char* counter : {"lint.files", "lint.diagnostics", "lint.fixes", "lint.pairs"}) (*result.mutable_funnel())[counter];
    std::vector<const SourceFile*> files;
    for (const auto& file : item.lint().files()) {
      count("lint.files", result);
      const char* reason = syntax::why_not_source(file.path(), file.text(), config_.sources().file_bytes_max());
      if (*reason == '\0') {
        files.push_back(&file);
      } else {
        reject(file.path(), reason, "", result);
      }
    }
    if (auto done = lint(files, result); !done) return done.error();
    return result;
  }

 private:
  Result<WorkResult> run_changes(const WorkItem& item) {
    if (!all_) return Error{ErrorCode::invalid_input, "lint.history_commits is 0, but the linter was given changes of a history"};
    WorkResult result;
    result.set_item_id(item.id());
    result.set_stage(Stage::lint);
    auto found = vanished_fixes(*all_, parser_, item.lint_changes());
    if (!found) return found.error();
    count("lint.changes", result, static_cast<std::uint64_t>(item.lint_changes().changes_size()));
    count("lint.vanished", result, found->vanished);
    count("lint.probes", result, found->probes);
    count("lint.vanished_pairs", result, found->fixes.size());
    count("lint.pairs", result, found->fixes.size());
    for (const auto& failure : found->failures) reject(failure.substr(0, failure.find(": ")), "linter_gave_up", failure, result);
    for (const auto& fix : found->fixes) {
      const auto& origin = item.lint_changes().changes(static_cast<int>(fix.change)).source();
      *result.add_pairs() = make_pair(origin, fix.tool, *fix.rule, {fix.buggy, fix.fixed, fix.symbol});
    }
    return result;
  }

  void count(const std::string& counter, WorkResult& result, std::uint64_t n = 1) { (*result.mutable_funnel())[counter] += n; }

  void reject(const std::string& subject, const char* reason, const std::string& detail, WorkResult& result) {
    auto& rejection = *result.add_rejections();
    rejection.set_subject(subject);
    rejection.set_reason(reason);
    rejection.set_detail(detail.substr(0, kDetailBytesMax));
    count(std::string("lint.rejected.") + reason, result);
  }

  Outcome lint(std::span<const SourceFile* const> files, WorkResult& result) {
    if (files.empty()) return Done{};
    std::vector<LintedText> texts;
    for (const auto* file : files) texts.push_back({file->path(), file->text()});
    const auto found = fixing_.check(texts);
    if (!found) return found.error();
    for (std::size_t i = 0; i < files.size(); ++i) {
      for (const auto& failure : (*found)[i].failures) reject(files[i]->path(), "linter_gave_up", failure, result);
      add_file(*files[i], (*found)[i].diagnostics, result);
    }
    return Done{};
  }

  bool is_taken(const Fix& fix) const {
    return fix.applicability == "safe" || (config_.lint().unsafe_fixes() && fix.applicability == "unsafe");
  }

  // Fixes in an order that lets each rule of the file have its first before any has its second.
  std::vector<Choice> choices(const std::vector<Diagnostic>& diagnostics) const {
    std::vector<Choice> out;
    std::map<std::string_view, std::size_t> seen;
    for (const auto& diagnostic : diagnostics) {
      if (!diagnostic.fix || !is_taken(*diagnostic.fix)) continue;
      const auto* rule = find_rule(diagnostic.tool, diagnostic.rule);
      if (rule != nullptr) out.push_back({&diagnostic, rule, seen[rule->rule]++});
    }
    std::stable_sort(out.begin(), out.end(), [](const Choice& a, const Choice& b) { return a.nth < b.nth; });
    return out;
  }

  void add_file(const SourceFile& file, const std::vector<Diagnostic>& diagnostics, WorkResult& result) {
    count("lint.diagnostics", result, diagnostics.size());
    const auto unparsable = std::find_if(diagnostics.begin(), diagnostics.end(), [](const Diagnostic& d) { return d.rule == kUnparsableRule; });
    if (unparsable != diagnostics.end())
      return reject(file.path(), "does_not_parse", unparsable->message, result);
    const auto fixes = choices(diagnostics);
    count("lint.fixes", result, fixes.size());
    if (fixes.empty()) return;
    const auto tree = parser_.parse(file.text());
    if (!tree) return reject(file.path(), "parser_gave_up", tree.error().what, result);
    const auto functions = syntax::functions(*tree);
    const LineIndex lines(file.text());
    std::vector<std::pair<Position, Pair>> pairs;
    for (const auto& choice : fixes) {
      if (pairs.size() == config_.lint().pairs_per_file_max()) break;
      const auto edits = byte_edits(lines, *choice.diagnostic->fix);
      const auto outcome = edits ? apply_fix(parser_, *tree, functions, *edits) : FixOutcome{std::nullopt, "bad_place"};
      if (outcome.function) {
        pairs.emplace_back(choice.diagnostic->begin, make_pair(origin_of(file), choice.diagnostic->tool, *choice.rule, *outcome.function));
      } else {
        count(std::string("lint.skipped.") + outcome.reason, result);
      }
    }
    std::stable_sort(pairs.begin(), pairs.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    for (auto& [place, pair] : pairs) *result.add_pairs() = std::move(pair);
    count("lint.pairs", result, pairs.size());
  }

  static Pair make_pair(const Source& origin, const std::string& tool, const LintRule& rule, const FixedFunction& function) {
    Pair pair;
    pair.set_buggy(function.buggy);
    pair.set_fixed(function.fixed);
    pair.mutable_bug()->set_class_(rule.bug_class);
    pair.mutable_bug()->set_type(rule.type);
    pair.mutable_bug()->set_rule(tool + ":" + rule.rule);
    *pair.mutable_source() = origin;
    pair.mutable_source()->set_kind(SourceKind::linter);
    pair.mutable_source()->set_symbol(function.symbol);
    set_pair_id(pair);
    return pair;
  }

  static Source origin_of(const SourceFile& file) {
    Source out;
    out.set_repository(file.repository());
    out.set_path(file.path());
    out.set_license(file.license());
    return out;
  }

  Config config_;
  Linters fixing_;
  std::optional<Linters> all_;  // of histories
  syntax::Parser parser_;
};

}  // namespace

Result<std::unique_ptr<LinterStage>> LinterStage::start(const Config& config) {
  const auto& named = config.lint().tools();
  std::vector<std::string> names(named.begin(), named.end());
  if (names.empty())
    for (const auto& row : lint_tools()) names.push_back(row.name);
  auto tools = lint_tools_named(names);
  if (!tools) return tools.error();
  std::optional<Linters> all;
  if (config.lint().history_commits() > 0) {
    auto started = Linters::start(*tools, config);
    if (!started) return started.error();
    all = *std::move(started);
  }
  std::erase_if(*tools, [](const LintToolRow* row) { return !row->fixes; });
  auto fixing = Linters::start(*tools, config);
  if (!fixing) return fixing.error();
  return std::unique_ptr<LinterStage>(std::make_unique<FixLinter>(config, *std::move(fixing), std::move(all)));
}

}  // namespace mendel::linter
