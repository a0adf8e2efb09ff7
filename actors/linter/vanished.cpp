// Linting costs, so it is done last: only changes inside functions are looked at, of these the newer version only where
// the older has a diagnostic to lose, and no linter is asked of a text twice. All probes of one size are linted in one
// batch, smallest size first: a case is closed by its first success.
#include "actors/linter/vanished.hpp"

#include <algorithm>
#include <bit>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <tuple>

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

// One version of a file: its functions, and what the linters that were asked say of each.
struct Version {
  std::string_view text;
  std::vector<syntax::Function> functions;
  std::map<std::string, std::vector<std::size_t>> by_symbol;
  Counts of_file;
  std::vector<Counts> of_function;
  bool parses = true;  // and no linter gave it up
};

// A function that both versions have once, and the hunks inside it.
struct Touched {
  const syntax::Function *before, *after;
  std::vector<syntax::Hunk> hunks;
};

// A diagnostic that disappeared from a function, and the hunks that may be why.
struct Case {
  std::size_t change;
  std::pair<std::size_t, std::size_t> place;  // change, function in it
  std::string symbol;
  std::string tool, rule;
  std::vector<syntax::Hunk> hunks;  // of the file, inside the function on both sides
  std::optional<VanishedFix> fix;
};

Version version_of(syntax::Parser& parser, std::string_view text) {
  Version out;
  out.text = text;
  const auto tree = parser.parse(text);
  out.parses = tree && !tree->has_error();
  if (tree) out.functions = syntax::functions(*tree);
  for (std::size_t i = 0; i < out.functions.size(); ++i) out.by_symbol[out.functions[i].symbol].push_back(i);
  out.of_function.resize(out.functions.size());
  return out;
}

// Adds what one linter says.
void count_into(Version& version, const Linters::Answer& answer) {
  version.parses = version.parses && answer.failures.empty();
  for (const auto& diagnostic : answer.diagnostics) {
    const std::pair key(diagnostic.tool, diagnostic.rule);
    ++version.of_file[key];
    version.parses = version.parses && diagnostic.rule != kUnparsableRule;
    for (std::size_t i = version.functions.size(); i-- > 0;) {
      const auto line = diagnostic.begin.line - 1;
      if (version.functions[i].line_begin > line || line >= version.functions[i].line_end) continue;
      ++version.of_function[i][key];
      break;
    }
  }
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

std::vector<Touched> touched_functions(const Version& before, const Version& after) {
  std::vector<Touched> out;
  if (!before.parses || !after.parses) return out;
  const auto hunks = syntax::line_difference(before.text, after.text);
  for (const auto& old_function : before.functions) {
    const auto* function = only(before, old_function.symbol);
    const auto* later = only(after, old_function.symbol);
    if (function == nullptr || later == nullptr) continue;
    Touched touched{function, later, {}};
    for (const auto& hunk : hunks)
      if (inside(*function, hunk.before_begin, hunk.before_end) && inside(*later, hunk.after_begin, hunk.after_end)) touched.hunks.push_back(hunk);
    if (!touched.hunks.empty()) out.push_back(std::move(touched));
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

// Each linter is asked of a text once: what a commit leaves behind is what a later one finds, and the only hunk of a
// change is the change.
class Answers {
 public:
  explicit Answers(Linters& linters) : linters_(linters) {}

  Outcome ask(const std::string& tool, std::span<const LintedText> texts) {
    std::vector<LintedText> fresh;
    std::vector<Linters::Answer*> slots;
    for (const auto& text : texts) {
      const auto [at, is_new] = known_.try_emplace({tool, std::string(text.path), std::string(text.text)});
      if (!is_new) continue;
      fresh.push_back(text);
      slots.push_back(&at->second);
    }
    if (fresh.empty()) return Done{};
    auto found = linters_.check(fresh, tool);
    if (!found) return found.error();
    for (std::size_t i = 0; i < slots.size(); ++i) {
      for (const auto& failure : (*found)[i].failures) failures_.push_back(std::string(fresh[i].path) + ": " + failure);
      *slots[i] = std::move((*found)[i]);
    }
    return Done{};
  }

  const Linters::Answer& of(const std::string& tool, const LintedText& text) const { return known_.at({tool, std::string(text.path), std::string(text.text)}); }

  std::vector<std::string> take_failures() { return std::move(failures_); }

 private:
  Linters& linters_;
  std::map<std::tuple<std::string, std::string, std::string>, Linters::Answer> known_;
  std::vector<std::string> failures_;
};

// One change: both versions and where they differ. Versions keep their place, for `touched` points into them.
struct Changed {
  std::string_view path;
  std::unique_ptr<Version> before, after;
  std::vector<Touched> touched;
};

// The older version with some hunks done, and the linters that have still to be content.
struct Probe {
  std::size_t owner;
  std::string text;
  Version version;
  bool stands = true;
};

class Search {
 public:
  Search(Linters& linters, syntax::Parser& parser, const FileChanges& changes) : parser_(parser), changes_(changes), answers_(linters), tools_(linters.names()) {}

  Result<VanishedFixes> run() {
    for (const auto& one : changes_.changes()) {
      auto& changed = changed_.emplace_back();
      changed.path = one.source().path();
      changed.before = std::make_unique<Version>(version_of(parser_, one.before()));
      changed.after = std::make_unique<Version>(version_of(parser_, one.after()));
      changed.touched = touched_functions(*changed.before, *changed.after);
    }
    for (const auto& tool : tools_)
      if (auto looked = look_for(tool); !looked) return looked.error();
    std::sort(cases_.begin(), cases_.end(), [](const Case& a, const Case& b) { return std::tie(a.place, a.tool, a.rule) < std::tie(b.place, b.tool, b.rule); });
    for (int size = 1; size <= static_cast<int>(kHunksMax); ++size)
      if (auto probed = probe(size); !probed) return probed.error();
    std::set<std::pair<std::string, std::string>> seen;  // two rules of one tool may be mended by one edit: one pair a rule
    for (auto& one : cases_)
      if (one.fix && seen.emplace(one.fix->buggy + '\0' + one.fix->fixed, one.tool + one.rule).second) out_.fixes.push_back(*std::move(one.fix));
    out_.failures = answers_.take_failures();
    return std::move(out_);
  }

 private:
  using Choice = std::function<bool(const Changed&)>;

  // Asks one linter of one side of the changes that `wanted` names.
  Outcome look(const std::string& tool, std::unique_ptr<Version> Changed::* side, const Choice& wanted) {
    std::vector<LintedText> texts;
    std::vector<Version*> versions;
    for (auto& one : changed_) {
      if (!wanted(one)) continue;
      texts.push_back({one.path, (one.*side)->text});
      versions.push_back((one.*side).get());
    }
    if (auto asked = answers_.ask(tool, texts); !asked) return asked;
    for (std::size_t i = 0; i < texts.size(); ++i) count_into(*versions[i], answers_.of(tool, texts[i]));
    return Done{};
  }

  static bool has_rule_of(const std::string& tool, const Counts& counts) {
    return std::any_of(counts.begin(), counts.end(), [&](const auto& one) { return one.first.first == tool && find_rule(tool, one.first.second) != nullptr; });
  }

  // The newer version is of interest only where the older one has something to lose.
  Outcome look_for(const std::string& tool) {
    const auto loses = [&](const Changed& one) {
      return one.before->parses &&
             std::any_of(one.touched.begin(), one.touched.end(), [&](const Touched& t) { return has_rule_of(tool, counts_of(*one.before, t.before)); });
    };
    if (auto looked = look(tool, &Changed::before, [](const Changed& one) { return !one.touched.empty(); }); !looked) return looked;
    if (auto looked = look(tool, &Changed::after, loses); !looked) return looked;
    for (std::size_t i = 0; i < changed_.size(); ++i)
      if (loses(changed_[i]) && changed_[i].after->parses) add_cases(tool, i);
    return Done{};
  }

  void add_cases(const std::string& tool, std::size_t index) {
    const auto& one = changed_[index];
    for (std::size_t nth = 0; nth < one.touched.size(); ++nth) {
      const auto& touched = one.touched[nth];
      for (const auto& [key, count] : counts_of(*one.before, touched.before)) {
        if (key.first != tool || find_rule(tool, key.second) == nullptr) continue;
        const int gone = count - count_in(counts_of(*one.after, touched.after), tool, key.second);
        if (gone <= 0) continue;
        out_.vanished += static_cast<std::uint64_t>(gone);
        if (touched.hunks.size() <= kHunksMax) cases_.push_back({index, {index, nth}, touched.before->symbol, tool, key.second, touched.hunks, std::nullopt});
      }
    }
  }

  // The linter of the case is asked first, the others only of what contents it.
  const std::string& nth_tool(const Case& one, std::size_t n) const {
    if (n == 0) return one.tool;
    const auto own = static_cast<std::size_t>(std::find(tools_.begin(), tools_.end(), one.tool) - tools_.begin());
    return tools_[n <= own ? n - 1 : n];
  }

  // All sets of `size` hunks of the cases that are still open.
  Outcome probe(int size) {
    std::vector<Probe> probes;
    for (std::size_t i = 0; i < cases_.size(); ++i) {
      const auto& one = cases_[i];
      const auto& changed = changed_[one.change];
      for (std::uint32_t mask = 1; !one.fix && changed.before->parses && mask < 1u << one.hunks.size(); ++mask)
        if (std::popcount(mask) == size) probes.push_back({i, with_hunks(changed.before->text, changed.after->text, one.hunks, mask), {}, true});
    }
    out_.probes += probes.size();
    for (auto& one : probes) one.version = version_of(parser_, one.text);
    for (std::size_t n = 0; n < tools_.size(); ++n)
      for (const auto& tool : tools_)
        if (auto asked = ask_of_probes(tool, n, probes); !asked) return asked;
    for (const auto& one : probes)
      if (auto& owner = cases_[one.owner]; one.stands && !owner.fix) close(owner, one.text);
    return Done{};
  }

  Outcome ask_of_probes(const std::string& tool, std::size_t n, std::vector<Probe>& probes) {
    const auto asks = [&](const Probe& one) { return one.stands && nth_tool(cases_[one.owner], n) == tool; };
    std::vector<LintedText> texts;
    for (const auto& one : probes)
      if (asks(one)) texts.push_back({changed_[cases_[one.owner].change].path, one.text});
    if (auto asked = answers_.ask(tool, texts); !asked) return asked;
    for (auto& one : probes) {
      if (!asks(one)) continue;
      const auto& owner = cases_[one.owner];
      count_into(one.version, answers_.of(tool, {changed_[owner.change].path, one.text}));
      one.stands = contents(owner, one.version);
    }
    return Done{};
  }

  bool contents(const Case& one, const Version& probed) const {
    const auto& before = *changed_[one.change].before;
    const auto *old_function = only(before, one.symbol), *function = only(probed, one.symbol);
    return probed.parses && function != nullptr && adds_nothing(before, probed) &&
           count_in(counts_of(probed, function), one.tool, one.rule) < count_in(counts_of(before, old_function), one.tool, one.rule);
  }

  void close(Case& one, const std::string& text) {
    auto buggy = cut(parser_, changed_[one.change].before->text, one.symbol), fixed = cut(parser_, text, one.symbol);
    if (!buggy || !fixed || buggy->text == fixed->text) return;
    one.fix = VanishedFix{one.change, one.tool, find_rule(one.tool, one.rule), std::move(buggy->text), std::move(fixed->text), one.symbol};
  }

  syntax::Parser& parser_;
  const FileChanges& changes_;
  Answers answers_;
  std::vector<std::string> tools_;
  std::vector<Changed> changed_;
  std::vector<Case> cases_;
  VanishedFixes out_;
};

}  // namespace

Result<VanishedFixes> vanished_fixes(Linters& linters, syntax::Parser& parser, const FileChanges& changes) {
  return Search(linters, parser, changes).run();
}

}  // namespace mendel::linter
