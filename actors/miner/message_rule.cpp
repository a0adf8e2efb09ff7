// The table of words and its matcher. First come subjects that are about something else ("Docs: …", "Merge …"),
// then words that say plainly that a bug was mended, then subjects that begin something new, then words that
// only hint at a bug: so "Add a workaround" is a fix, "Add error pages" is none, and "Fix crash while merging"
// stays one.
#include "actors/miner/message_rule.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace mendel::miner {
namespace {

constexpr std::size_t kFirstWord = 1, kOpening = 3, kSubject = 6;

constexpr std::array kRules = {
    MessageRule{"merge", true, kFirstWord, "merge merges merged merging", "Merge branch 'fix-crash'", "Fix crash while merging"},
    MessageRule{"revert", true, kOpening, "revert reverts reverted", "Revert \"fix the cache\"", "Fix the editor: revert to the saved text works again"},
    MessageRule{"release", true, kFirstWord, "bump bumps bumped release releasing prepare version upgrade upgraded pin pinned unpin", "Bump version, fix the date",
                "Fix version check"},
    MessageRule{"conventional", true, kFirstWord, "feat feature chore refactor build deps perf style docs doc test tests ci i18n wip format", "chore(fix): tidy up",
                "fix(build): keep the order"},
    MessageRule{"documentation", true, kSubject, "docs documentation docstring docstrings changelog readme sphinx spelling grammar misspelling* misspelled",
                "Fix typo in docs", "Fix crash on empty input, then say so at length in the docs"},
    MessageRule{"format", true, kOpening, "formatting whitespace indentation pep8 black isort style cosmetic* reformat* yapf autopep8", "Fix formatting",
                "Fix crash while formatting dates"},
    MessageRule{"lint", true, kOpening, "lint linter linting flake8 pylint mypy ruff typing pyflakes warnings", "Fix lint errors", "Fix a leak that the linter found"},
    MessageRule{"tests", true, kOpening, "test tests testsuite testing ci travis tox coverage", "Fix tests on Windows", "Fix a crash when tests run twice"},
    MessageRule{"comment", true, kOpening, "comment comments", "Fix comment", "Fix the parser for trailing comments"},

    MessageRule{"fix", false, kWholeMessage, "fix fixes fixed fixing bugfix bugfixes hotfix fixup", "Fix empty host in redirects", "Add a prefix"},
    MessageRule{"bug", false, kWholeMessage, "bug bugs buggy", "Work around a bug in the parser", "Debugging aid"},
    MessageRule{"crash", false, kWholeMessage, "crash crashes crashed crashing segfault hang hangs deadlock* leak leaks leaking", "Do not crash without a body",
                "Change the shape"},
    MessageRule{"regression", false, kWholeMessage, "regression regressions regressed", "Regression in the router", "Progress"},
    MessageRule{"workaround", false, kWholeMessage, "workaround workarounds overflow overflows corruption vulnerability cve typo typos", "Added workaround for cookies",
                "Work on the router"},

    MessageRule{"begins_something", true, kFirstWord,
                "add adds added adding explain improve improves improved support supports allow allows deprecate deprecates refactor rename renamed rewrite cleanup "
                "simplify optimize optimise introduce implement implemented expose document make start",
                "Add error pages", "Do not add a header twice: closes #3"},

    MessageRule{"issue", false, kWholeMessage, "issue issues closes close resolves resolve resolved", "Closes #42: keep the order of headers", "Tissue"},
    MessageRule{"error", false, kWholeMessage,
                "error errors exception exceptions traceback typeerror keyerror valueerror attributeerror indexerror nameerror unicodeerror",
                "No IndexError on empty input", "Terrors"},
    MessageRule{"wrong", false, kWholeMessage, "wrong wrongly incorrect incorrectly broken breaks invalid mistake mistaken mistakenly faulty", "Correct the incorrect offset",
                "Wringing"},
    MessageRule{"fails", false, kWholeMessage, "fail fails failed failing failure failures", "Opening fails on Windows", "Sails"},
    MessageRule{"prevents", false, kFirstWord, "prevent prevents prevented avoid avoids avoided guard guards ensure ensures race security",
                "Prevent an endless loop", "The cache is there to prevent look-ups"},
};

bool is_word_byte(unsigned char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }

// Lower-case words of `text`, in order.
std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> out;
  std::string word;
  for (const char c : text) {
    if (is_word_byte(static_cast<unsigned char>(c))) {
      word.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
    } else if (!word.empty()) {
      out.push_back(std::move(word));
      word.clear();
    }
  }
  if (!word.empty()) out.push_back(std::move(word));
  return out;
}

bool matches(std::string_view pattern, std::string_view word) {
  if (pattern.ends_with('*')) return word.starts_with(pattern.substr(0, pattern.size() - 1));
  return pattern == word;
}

bool holds(std::string_view list, std::string_view word) {
  while (!list.empty()) {
    const auto space = list.find(' ');
    if (matches(list.substr(0, space), word)) return true;
    if (space == std::string_view::npos) break;
    list.remove_prefix(space + 1);
  }
  return false;
}

}  // namespace

std::span<const MessageRule> message_rules() { return kRules; }

const MessageRule* deciding_rule(std::string_view message) {
  message = message.substr(0, kMessageBytesMax);
  const auto first = message.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return nullptr;
  message.remove_prefix(first);
  const auto subject = words_of(message.substr(0, message.find('\n')));
  const auto words = words_of(message);
  for (const auto& rule : kRules) {
    const auto looked_at = rule.subject_words == kWholeMessage ? std::span(words) : std::span(subject).first(std::min(rule.subject_words, subject.size()));
    if (std::any_of(looked_at.begin(), looked_at.end(), [&](const std::string& word) { return holds(rule.words, word); })) return &rule;
  }
  return nullptr;
}

}  // namespace mendel::miner
