// The counters of a dump in the order in which its rules are asked: posts, then threads, then code.
#pragma once

#include <span>

#include "actors/miner/mining_funnel.hpp"

namespace mendel::miner {

inline constexpr char kRows[] = "stackoverflow.rows";
inline constexpr char kPosts[] = "stackoverflow.posts";
inline constexpr char kQuestions[] = "stackoverflow.questions";
inline constexpr char kAsked[] = "stackoverflow.asked";
inline constexpr char kAskedWithCode[] = "stackoverflow.asked_with_code";
inline constexpr char kAnswers[] = "stackoverflow.answers";
inline constexpr char kScored[] = "stackoverflow.scored";
inline constexpr char kAnswersWithCode[] = "stackoverflow.answers_with_code";
inline constexpr char kThreads[] = "stackoverflow.threads";
inline constexpr char kChosen[] = "stackoverflow.chosen";
inline constexpr char kWithPython[] = "stackoverflow.with_python";
inline constexpr char kAligned[] = "stackoverflow.aligned";
inline constexpr char kDumpPairs[] = "stackoverflow.pairs";

// All steps. Besides these the funnel counts "stackoverflow.left_out.REASON" (rows) and
// "stackoverflow.rejected.REASON" (code).
std::span<const FunnelStep> dump_funnel();

}  // namespace mendel::miner
