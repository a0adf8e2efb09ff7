// The table of words and its matcher. First come subjects that are about something else ("Docs: …", "Merge …"),
// then words that say plainly that a bug was mended, then subjects that begin something new, then words that
// only hint at a bug: so "Add a workaround" is a fix, "Add error pages" is none, and "Fix crash while merging"
// stays one. That an issue is closed is such a hint, whatever the verb: features close issues too.
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
    MessageRule{"deprecation", true, kSubject, "deprecation+warning* deprecated+warning* deprecations", "Fix deprecation warning of the parser", "Fix crash in a deprecated module"},
    MessageRule{"comment", true, kOpening, "comment comments", "Fix comment", "Fix the parser for trailing comments"},

    MessageRule{"fix", false, kWholeMessage, "fix fixes fixed fixing bugfix bugfixes hotfix fixup", "Fix empty host in redirects", "Add a prefix"},
    MessageRule{"bug", false, kWholeMessage, "bug bugs buggy", "Work around a bug in the parser", "Debugging aid"},
    MessageRule{"crash", false, kWholeMessage, "crash crashes crashed crashing segfault hang hangs deadlock* leak leaks leaking", "Do not crash without a body",
                "Change the shape"},
    MessageRule{"regression", false, kWholeMessage, "regression regressions regressed", "Regression in the router", "Progress"},
    MessageRule{"workaround", false, kWholeMessage, "workaround workarounds overflow overflows corruption vulnerability cve typo typos", "Added workaround for cookies",
                "Work on the router"},

    MessageRule{"feature", true, kAfterScope,
                "add adds added adding support supports supported supporting allow allows allowed allowing introduce implement implements implemented prefer enable include provide mark "
                "show shows display print log clarify better more remove removed removes",
                "[player] Support embedded lists. Fixes #12", "Add a guard: fixes a crash on empty input"},
    MessageRule{"wording", true, kSubject, "error+message* error+msg* error+text* exception+message* exception+msg* warning+message* failure+message* help+text*", "Clearer error message for bad dates",
                "Wrong error for messages without a date"},
    MessageRule{"reference", false, kWholeMessage, "issue_reference", "Keep the order of headers. Fixes #42", "Keep the order of headers, see #42"},

    MessageRule{"begins_something", true, kFirstWord,
                "explain improve improves improved deprecate deprecates refactor rename renamed rewrite cleanup simplify optimize optimise expose document make start",
                "Improve error pages", "Do not improve a header twice: closes #3"},

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

bool matches(std::string_view pattern, std::string_view word) {
  if (pattern.ends_with('*')) return word.starts_with(pattern.substr(0, pattern.size() - 1));
  return pattern == word;
}

// Each part of `list` between separators, until one answers true.
template <class Answer>
bool any_part(std::string_view list, char separator, Answer answer) {
  while (!list.empty()) {
    const auto end = list.find(separator);
    if (answer(list.substr(0, end))) return true;
    if (end == std::string_view::npos) break;
    list.remove_prefix(end + 1);
  }
  return false;
}

// Whether a word or a phrase of `list` begins at the first of `words`.
bool begins(std::string_view list, std::span<const std::string> words) {
  return any_part(list, ' ', [&](std::string_view phrase) {
    std::size_t at = 0;
    return !any_part(phrase, '+', [&](std::string_view pattern) { return at >= words.size() || !matches(pattern, words[at++]); });
  });
}

bool is_number(std::string_view word) { return !word.empty() && word.find_first_not_of("0123456789") == std::string_view::npos; }

// "fixes #12", "fix for issue 12", "bug 12", "fixes https://…": the word says which issue, not what was done.
void read_references(std::vector<std::string>& words) {
  constexpr std::string_view kVerbs = "fix fixes fixed fixing bug bugs", kBetween = "for issue issues bug bugs gh ticket", kReference = "issue_reference";
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    if (!begins(kVerbs, std::span(words).subspan(i, 1))) continue;
    auto next = i + 1;
    while (next + 1 < words.size() && next < i + 3 && begins(kBetween, std::span(words).subspan(next, 1))) ++next;
    if (is_number(words[next]) || words[next] == "https" || words[next] == "http") words[i] = kReference;
  }
}

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
  read_references(out);
  return out;
}

// What stands behind "[part]", "part:" and "part - ", as often as they follow each other.
std::string_view after_scope(std::string_view subject) {
  while (true) {
    subject.remove_prefix(std::min(subject.find_first_not_of(' '), subject.size()));
    auto end = std::string_view::npos;
    if (subject.starts_with('[')) {
      end = subject.find(']');
    } else {
      const auto name = std::min(subject.find_first_of(" :"), subject.size());
      if (name > 0 && name < subject.size()) end = subject[name] == ':' ? name : subject.substr(name).starts_with(" - ") ? name + 2 : end;
    }
    if (end == std::string_view::npos || subject.find_first_not_of(' ', end + 1) == std::string_view::npos) return subject;
    subject.remove_prefix(end + 1);
  }
}

}  // namespace

std::span<const MessageRule> message_rules() { return kRules; }

const MessageRule* deciding_rule(std::string_view message) {
  message = message.substr(0, kMessageBytesMax);
  const auto first = message.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return nullptr;
  message.remove_prefix(first);
  const auto line = message.substr(0, message.find('\n'));
  const auto subject = words_of(line), words = words_of(message), scoped = words_of(after_scope(line));
  const auto looked_at = [&](const MessageRule& rule) {
    if (rule.subject_words == kWholeMessage) return std::span(words);
    if (rule.subject_words == kAfterScope) return std::span(scoped).first(std::min<std::size_t>(1, scoped.size()));
    return std::span(subject).first(std::min(rule.subject_words, subject.size()));
  };
  for (const auto& rule : kRules)
    for (auto rest = looked_at(rule); !rest.empty(); rest = rest.subspan(1))
      if (begins(rule.words, rest)) return &rule;
  return nullptr;
}

}  // namespace mendel::miner
