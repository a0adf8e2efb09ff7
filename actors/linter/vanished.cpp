// All probes of one size are linted in one batch, smallest size first: a case is closed by its first success.
#include "actors/linter/vanished.hpp"

#include <algorithm>
#include <bit>
#include <map>
#include <optional>
#include <set>

#include "actors/syntax/tokens.hpp"

namespace mendel::linter {
namespace {

using Counts = std::map<std::pair<std::string, std::string>, int>;  // (tool, rule) → diagnostics

struct LinesOf {
  std::vector<std::string_view> lines;  // with their line feeds

  explicit LinesOf(std::string_view text) {
    while (!text.empty()) {
      const auto end = std::min(text.find('\n'), text.size() - 1) + 1;
      lines.push_back(text.substr(0, end));
      text.remove_prefix(end);
    }
  }
};

// One version of a file: its functions and what the linters say of each.
struct Version {
  std::string_view text;
  std::vector<syntax::Function> functions;
  std::map<std::string, std::vector<std::size_t>> by_symbol;
  Counts of_file;
  std::vector<Counts> of_function;
  bool parses = true;
};

// A diagnostic that disappeared from a function, and the hunks that may be why.
struct Case {
  std::size_t change;
  std::string symbol;
  std::string tool, rule;
  std::vector<syntax::Hunk> hunks;  // of the file, inside the function on both sides
  std::optional<VanishedFix> fix;
};

Version version_of(syntax::Parser& parser, std::string_view text, const Linters::Answer& answer) {
  Version out;
  out.text = text;
  const auto tree = parser.parse(text);
  out.parses = tree && !tree->has_error();
  if (tree) out.functions = syntax::functions(*tree);
  for (std::size_t i = 0; i < out.functions.size(); ++i) out.by_symbol[out.functions[i].symbol].push_back(i);
  out.of_function.resize(out.functions.size());
  for (const auto& diagnostic : answer.diagnostics) {
    const std::pair key(diagnostic.tool, diagnostic.rule);
    ++out.of_file[key];
    out.parses = out.parses && diagnostic.rule != kUnparsableRule;
    for (std::size_t i = out.functions.size(); i-- > 0;) {
      const auto line = diagnostic.begin.line - 1;
      if (out.functions[i].line_begin > line || line >= out.functions[i].line_end) continue;
      ++out.of_function[i][key];
      break;
    }
  }
  return out;
}

int count_in(const Counts& counts, const std::string& tool, const std::string& rule) {
  const auto at = counts.find({tool, rule});
  return at == counts.end() ? 0 : at->second;
}

// The only function of that name; null if there is none or several.
const syntax::Function* only(const Version& version, const std::string& symbol) {
  const auto at = version.by_symbol.find(symbol);
  return at == version.by_symbol.end() || at->second.size() != 1 ? nullptr : &version.functions[at->second[0]];
}

const Counts& counts_of(const Version& version, const syntax::Function* function) {
  return version.of_function[static_cast<std::size_t>(function - version.functions.data())];
}

bool inside(const syntax::Function& function, std::uint32_t begin, std::uint32_t end) { return function.line_begin <= begin && end <= function.line_end; }

std::vector<Case> cases_of(std::size_t change, const Version& before, const Version& after, std::uint64_t& vanished) {
  std::vector<Case> out;
  if (!before.parses || !after.parses) return out;
  const auto hunks = syntax::line_difference(before.text, after.text);
  for (const auto& old_function : before.functions) {
    const auto* function = only(before, old_function.symbol);
    const auto* later = only(after, old_function.symbol);
    if (function == nullptr || later == nullptr) continue;
    std::vector<syntax::Hunk> own;
    for (const auto& hunk : hunks)
      if (inside(*function, hunk.before_begin, hunk.before_end) && inside(*later, hunk.after_begin, hunk.after_end)) own.push_back(hunk);
    if (own.empty()) continue;
    for (const auto& [key, count] : counts_of(before, function)) {
      const int gone = count - count_in(counts_of(after, later), key.first, key.second);
      if (gone <= 0 || find_rule(key.first, key.second) == nullptr) continue;
      vanished += static_cast<std::uint64_t>(gone);
      if (own.size() <= kHunksMax) out.push_back({change, function->symbol, key.first, key.second, own, std::nullopt});
    }
  }
  return out;
}

// The older version with the hunks of `mask` done.
std::string with_hunks(std::string_view before, std::string_view after, std::span<const syntax::Hunk> hunks, std::uint32_t mask) {
  const LinesOf old_lines(before), new_lines(after);
  std::string out;
  std::uint32_t at = 0;
  const auto put = [&out](const LinesOf& from, std::uint32_t begin, std::uint32_t end) {
    for (auto i = begin; i < end; ++i) out += from.lines[i];
  };
  for (std::size_t i = 0; i < hunks.size(); ++i) {
    if ((mask >> i & 1u) == 0) continue;
    put(old_lines, at, hunks[i].before_begin);
    put(new_lines, hunks[i].after_begin, hunks[i].after_end);
    at = hunks[i].before_end;
  }
  put(old_lines, at, static_cast<std::uint32_t>(old_lines.lines.size()));
  return out;
}

bool adds_nothing(const Version& before, const Version& probe) {
  return std::all_of(probe.of_file.begin(), probe.of_file.end(),
                     [&](const auto& one) { return one.second <= count_in(before.of_file, one.first.first, one.first.second); });
}

std::optional<syntax::Cut> cut(syntax::Parser& parser, std::string_view text, const std::string& symbol) {
  const auto tree = parser.parse(text);
  if (!tree) return std::nullopt;
  for (const auto& function : syntax::functions(*tree))
    if (function.symbol == symbol) return function.has_error ? std::nullopt : syntax::cut_function(*tree, function);
  return std::nullopt;
}

class Search {
 public:
  Search(Linters& linters, syntax::Parser& parser, const FileChanges& changes) : linters_(linters), parser_(parser), changes_(changes) {}

  Result<VanishedFixes> run() {
    if (auto looked = look_at_versions(); !looked) return looked.error();
    for (std::size_t i = 0; i < before_.size(); ++i)
      for (auto& found : cases_of(i, before_[i], after_[i], out_.vanished)) cases_.push_back(std::move(found));
    for (int size = 1; size <= static_cast<int>(kHunksMax); ++size)
      if (auto probed = probe(size); !probed) return probed.error();
    std::set<std::pair<std::string, std::string>> seen;  // two rules of one tool may be mended by one edit: one pair a rule
    for (auto& one : cases_)
      if (one.fix && seen.emplace(one.fix->buggy + '\0' + one.fix->fixed, one.tool + one.rule).second) out_.fixes.push_back(*std::move(one.fix));
    return std::move(out_);
  }

 private:
  const mendel::FileChange& change(std::size_t i) const { return changes_.changes(static_cast<int>(i)); }

  Outcome look_at_versions() {
    std::vector<LintedText> texts;
    for (const auto& one : changes_.changes()) {
      texts.push_back({one.source().path(), one.before()});
      texts.push_back({one.source().path(), one.after()});
    }
    auto answers = linters_.check(texts);
    if (!answers) return answers.error();
    for (std::size_t i = 0; i < answers->size(); ++i) {
      auto version = version_of(parser_, texts[i].text, (*answers)[i]);
      version.parses = version.parses && (*answers)[i].failures.empty();
      for (const auto& failure : (*answers)[i].failures) out_.failures.push_back(std::string(texts[i].path) + ": " + failure);
      (i % 2 == 0 ? before_ : after_).push_back(std::move(version));
    }
    return Done{};
  }

  // All sets of `size` hunks of the cases that are still open.
  Outcome probe(int size) {
    struct Probe {
      std::size_t owner;
      std::string text;
    };
    std::vector<Probe> probes;
    for (std::size_t i = 0; i < cases_.size(); ++i) {
      const auto& one = cases_[i];
      for (std::uint32_t mask = 1; !one.fix && mask < 1u << one.hunks.size(); ++mask)
        if (std::popcount(mask) == size) probes.push_back({i, with_hunks(before_[one.change].text, after_[one.change].text, one.hunks, mask)});
    }
    std::vector<LintedText> texts;
    for (const auto& p : probes) texts.push_back({change(cases_[p.owner].change).source().path(), p.text});
    auto answers = linters_.check(texts);
    if (!answers) return answers.error();
    out_.probes += probes.size();
    for (std::size_t i = 0; i < probes.size(); ++i)
      if (auto& owner = cases_[probes[i].owner]; !owner.fix && (*answers)[i].failures.empty()) judge(owner, probes[i].text, (*answers)[i]);
    return Done{};
  }

  void judge(Case& one, const std::string& text, const Linters::Answer& answer) {
    const auto& before = before_[one.change];
    const auto probed = version_of(parser_, text, answer);
    const auto *old_function = only(before, one.symbol), *function = only(probed, one.symbol);
    if (!probed.parses || function == nullptr || !adds_nothing(before, probed)) return;
    if (count_in(counts_of(probed, function), one.tool, one.rule) >= count_in(counts_of(before, old_function), one.tool, one.rule)) return;
    auto buggy = cut(parser_, before.text, one.symbol), fixed = cut(parser_, text, one.symbol);
    if (!buggy || !fixed || buggy->text == fixed->text) return;
    one.fix = VanishedFix{one.change, one.tool, find_rule(one.tool, one.rule), std::move(buggy->text), std::move(fixed->text), one.symbol};
  }

  Linters& linters_;
  syntax::Parser& parser_;
  const FileChanges& changes_;
  std::vector<Version> before_, after_;
  std::vector<Case> cases_;
  VanishedFixes out_;
};

}  // namespace

Result<VanishedFixes> vanished_fixes(Linters& linters, syntax::Parser& parser, const FileChanges& changes) {
  return Search(linters, parser, changes).run();
}

}  // namespace mendel::linter
