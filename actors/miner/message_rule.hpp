// Whether a commit message says that the commit mends a bug. Words are matched at their boundaries:
// substring filters take "prefix" for "fix" and give a third of false hits.
#pragma once

#include <span>
#include <string_view>

namespace mendel::miner {

// One row of the table: a message that holds one of `words` (separated by spaces; '*' at the end of a
// word stands for any letters) is, or is not, a bug fix. Rows that exclude look at the subject line only.
struct MessageRule {
  const char* name;
  bool excludes;
  const char* words;
  const char* example;  // a message that this row decides
};

std::span<const MessageRule> message_rules();

// The rule that decides `message`: a row that excludes wins over rows that include. Null if no row
// matches, and then the message is not a bug fix. Bytes that are not ASCII separate words. Linear time;
// only the first kMessageBytesMax bytes are read.
const MessageRule* deciding_rule(std::string_view message);

inline bool is_bug_fix(std::string_view message) {
  const auto* rule = deciding_rule(message);
  return rule != nullptr && !rule->excludes;
}

inline constexpr std::size_t kMessageBytesMax = 8192;

}  // namespace mendel::miner
