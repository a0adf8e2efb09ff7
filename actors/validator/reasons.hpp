// Why a stage turned a pair away or did not look at it: the closed list of words that verdicts,
// counters and manifests use. One row a reason; `mendel validate --list-reasons` prints the table.
#pragma once

#include <span>
#include <string_view>

#include "proto/pair.pb.h"

namespace mendel::validator {

// The smallest pair that meets the reason, for people and for the test that runs every row. Rows that
// need another pair, a setting or a hostile text have no example: `fixed` is empty.
struct ReasonExample {
  BugClass::Value bug_class = BugClass::logic;
  std::string_view buggy, fixed;
};

struct Reason {
  std::string_view word;
  std::string_view stage;  // that gives it
  StageResult::Value result;  // fail, or skipped
  std::string_view sentence;  // what it means and, where there is one, the remedy
  ReasonExample example;
};

// In the order of the stages. Words are unique.
std::span<const Reason> reasons();

// Null if the word is not of the list.
const Reason* find_reason(std::string_view word);

}  // namespace mendel::validator
