// Whether a commit message says that the commit mends a bug. Words are matched at their boundaries:
// substring filters take "prefix" for "fix" and give a third of false hits.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace mendel::miner {

// One row of the table: a message that holds one of `words` (separated by spaces; '*' at the end of a word
// stands for any letters, '+' joins words that follow each other) among the words that the row looks at is, or is
// not, a bug fix. A word that only says which issue is meant ("fixes #12", "Bug 12") reads as `issue_reference`.
struct MessageRule {
  const char* name;
  bool excludes;
  std::size_t subject_words;  // how many words of the subject line are looked at; kWholeMessage: all that is said; kAfterScope
  const char* words;
  const char* example;  // a message that this row decides
  const char* counter_example;  // one that looks alike and is not decided by this row
};

inline constexpr std::size_t kWholeMessage = 0;
// The first word of the subject behind what names a part of the project: "[router]", "router:", "router -".
inline constexpr std::size_t kAfterScope = SIZE_MAX;

// In the order in which they are asked.
std::span<const MessageRule> message_rules();

// The first rule that matches `message`: it decides. Null if no row matches, and then the message is not a
// bug fix. Bytes that are not ASCII separate words. Linear time; only the first kMessageBytesMax bytes are
// read.
const MessageRule* deciding_rule(std::string_view message);

inline bool is_bug_fix(std::string_view message) {
  const auto* rule = deciding_rule(message);
  return rule != nullptr && !rule->excludes;
}

inline constexpr std::size_t kMessageBytesMax = 8192;

}  // namespace mendel::miner
