// The counters of the miner in the order in which its rules are asked.
#pragma once

#include <span>

namespace mendel::miner {

inline constexpr char kCommits[] = "mine.commits";
inline constexpr char kNonMerge[] = "mine.non_merge";
inline constexpr char kTouchesPython[] = "mine.touches_python";
inline constexpr char kFixMessage[] = "mine.fix_message";
inline constexpr char kOneFile[] = "mine.one_production_file";
inline constexpr char kSmall[] = "mine.small";
inline constexpr char kInFunctions[] = "mine.in_functions";
inline constexpr char kFixes[] = "mine.fixes";
inline constexpr char kPairs[] = "mine.pairs";
inline constexpr char kTestChanged[] = "mine.test_changed";
inline constexpr char kWithTest[] = "mine.with_test";
// Commits whose parent lies beyond the end of a shallow clone: what they changed is not known.
inline constexpr char kBeyondClone[] = "mine.beyond_clone";

struct FunnelStep {
  const char* counter;  // in WorkResult.funnel
  const char* description;
};

// All steps, widest first. Besides these the funnel counts "mine.rejected.REASON",
// and "mine.without_test.REASON" where a commit changes a test file and its pair brings no test.
std::span<const FunnelStep> mining_funnel();

}  // namespace mendel::miner
