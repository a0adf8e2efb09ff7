// From files to pairs: one ruff run over the batch, then each fix alone. A batch on which ruff fails is
// halved until the file that does it stands alone; that file is the rejection.
#include "actors/linter/linter_stage.hpp"

#include <algorithm>
#include <map>

#include "actors/linter/fix_pairs.hpp"
#include "actors/linter/rule_table.hpp"
#include "actors/linter/ruff.hpp"
#include "actors/syntax/source_origin.hpp"
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

class RuffLinter final : public LinterStage {
 public:
  RuffLinter(const Config& config, Ruff ruff) : config_(config), ruff_(std::move(ruff)) {}

  Result<WorkResult> run(const WorkItem& item) override {
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
    const auto found = ruff_.check(texts);
    if (!found && found.error().code == ErrorCode::io_error) return found.error();
    if (!found && files.size() == 1) {
      reject(files[0]->path(), "linter_gave_up", found.error().what, result);
      return Done{};
    }
    if (!found) {
      const auto half = files.size() / 2;
      if (auto first = lint(files.first(half), result); !first) return first;
      return lint(files.subspan(half), result);
    }
    for (std::size_t i = 0; i < files.size(); ++i) add_file(*files[i], (*found)[i], result);
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
      const auto* rule = find_rule(diagnostic.rule);
      if (rule != nullptr && diagnostic.fix && is_taken(*diagnostic.fix)) out.push_back({&diagnostic, rule, seen[rule->rule]++});
    }
    std::stable_sort(out.begin(), out.end(), [](const Choice& a, const Choice& b) { return a.nth < b.nth; });
    return out;
  }

  void add_file(const SourceFile& file, const std::vector<Diagnostic>& diagnostics, WorkResult& result) {
    count("lint.diagnostics", result, diagnostics.size());
    if (!diagnostics.empty() && diagnostics.front().rule == "invalid-syntax")
      return reject(file.path(), "does_not_parse", diagnostics.front().message, result);
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
        pairs.emplace_back(choice.diagnostic->begin, make_pair(file, *choice.rule, *outcome.function));
      } else {
        count(std::string("lint.skipped.") + outcome.reason, result);
      }
    }
    std::stable_sort(pairs.begin(), pairs.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    for (auto& [place, pair] : pairs) *result.add_pairs() = std::move(pair);
    count("lint.pairs", result, pairs.size());
  }

  Pair make_pair(const SourceFile& file, const LintRule& rule, const FixedFunction& function) const {
    Pair pair;
    pair.set_buggy(function.buggy);
    pair.set_fixed(function.fixed);
    pair.mutable_bug()->set_class_(rule.bug_class);
    pair.mutable_bug()->set_type(rule.type);
    pair.mutable_bug()->set_rule(std::string("ruff:") + rule.rule);
    auto& source = *pair.mutable_source();
    source.set_kind(SourceKind::linter);
    source.set_repository(file.repository());
    source.set_path(file.path());
    source.set_symbol(function.symbol);
    source.set_license(file.license());
    set_pair_id(pair);
    return pair;
  }

  Config config_;
  Ruff ruff_;
  syntax::Parser parser_;
};

}  // namespace

Result<std::unique_ptr<LinterStage>> LinterStage::start(const Config& config) {
  auto ruff = Ruff::find(config);
  if (!ruff) return ruff.error();
  return std::unique_ptr<LinterStage>(std::make_unique<RuffLinter>(config, *std::move(ruff)));
}

}  // namespace mendel::linter
