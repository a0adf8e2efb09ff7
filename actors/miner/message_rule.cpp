// The table of words and its matcher. An excluding row must start the subject line ("Docs: …",
// "Merge …"), so that "Fix crash while merging" stays a fix.
#include "actors/miner/message_rule.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace mendel::miner {
namespace {

constexpr std::array kRules = {
    MessageRule{"merge", true, "merge merges merged merging", "Merge branch 'fix-crash'"},
    MessageRule{"revert", true, "revert reverts reverted", "Revert \"fix the cache\""},
    MessageRule{"typo", true, "typo typos spelling grammar misspelling* misspelled", "Fix typo in an error message"},
    MessageRule{"documentation", true, "doc docs documentation docstring docstrings changelog readme", "Fix docs of the error handler"},
    MessageRule{"release", true, "bump bumps release version upgrade pin", "Bump version, fix the date"},
    MessageRule{"format", true, "format formatting whitespace indentation pep8 black isort style cosmetic*", "Fix formatting"},
    MessageRule{"lint", true, "lint linter linting flake8 pylint mypy ruff typing pyflakes", "Fix lint errors"},
    MessageRule{"tests", true, "test tests testsuite testing ci travis tox coverage", "Fix tests on Windows"},
    MessageRule{"comment", true, "comment comments", "Fix comment"},
    MessageRule{"fix", false, "fix fixes fixed fixing bugfix bugfixes hotfix fixup", "Fix empty host in redirects"},
    MessageRule{"bug", false, "bug bugs buggy", "Work around a bug in the parser"},
    MessageRule{"issue", false, "issue issues closes close resolves resolve resolved", "Closes #42: keep the order of headers"},
    MessageRule{"error", false, "error errors exception exceptions traceback typeerror keyerror valueerror attributeerror indexerror",
                "Avoid an IndexError: error on empty input"},
    MessageRule{"crash", false, "crash crashes crashed crashing segfault hang hangs deadlock* leak leaks leaking",
                "Do not crash without a body"},
    MessageRule{"wrong", false, "wrong wrongly incorrect incorrectly broken breaks invalid mistake mistaken mistakenly faulty",
                "Correct the incorrect offset"},
    MessageRule{"regression", false, "regression regressions regressed", "Regression in the router"},
    MessageRule{"fails", false, "fail fails failed failing failure failures", "Opening fails on Windows"},
    MessageRule{"prevents", false, "workaround race overflow overflows corruption vulnerability cve security",
                "Guard against a race between two writers"},
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

bool any(std::string_view list, const std::vector<std::string>& words) {
  for (const auto& word : words)
    if (holds(list, word)) return true;
  return false;
}

// What a commit is about stands in the first words: "Docs: …", "Fix typo in …", "[ci] fix …".
constexpr std::size_t kSubjectWords = 3;

}  // namespace

std::span<const MessageRule> message_rules() { return kRules; }

const MessageRule* deciding_rule(std::string_view message) {
  message = message.substr(0, kMessageBytesMax);
  const auto first = message.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return nullptr;
  message.remove_prefix(first);
  auto subject = words_of(message.substr(0, message.find('\n')));
  if (subject.size() > kSubjectWords) subject.resize(kSubjectWords);
  const auto words = words_of(message);
  for (const auto& rule : kRules)
    if (any(rule.words, rule.excludes ? subject : words)) return &rule;
  return nullptr;
}

}  // namespace mendel::miner
