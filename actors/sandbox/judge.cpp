// Fixed, buggy, and both again.
#include "actors/sandbox/judge.hpp"

#include <algorithm>

namespace mendel::sandbox {
namespace {

// A process that has a tenth of a busy core still meets its limit of processor time first, which says something about the code.
constexpr std::uint64_t kWallOverCpu = 10;

enum class Side : std::uint8_t { passed, failed, faked, undecided };

Limits limits_of(const mendel::Test& test, Limits limits) {
  if (test.timeout_ms() == 0) return limits;
  limits.cpu_s = std::min(limits.cpu_s, std::max(1u, (test.timeout_ms() + 999) / 1000));
  limits.wall_ms = static_cast<std::uint32_t>(std::min<std::uint64_t>(limits.wall_ms, kWallOverCpu * std::max(1000u, test.timeout_ms())));
  return limits;
}

Side side_of(const RunResult& result) {
  switch (result.ending) {
    case Ending::passed: return Side::passed;
    case Ending::faked: return Side::faked;
    case Ending::timed_out:
    case Ending::memory_limit:
    case Ending::cpu_limit: return Side::undecided;
    default: return Side::failed;
  }
}

std::string told(const char* side, const RunResult& result) {
  return std::string(side) + " side " + name_of(result.ending) + (result.why.empty() ? "" : ": " + result.why);
}

std::string kind_of(const mendel::Test& test) { return test.kind() == TestKind::unspecified ? "script" : TestKind::Value_Name(test.kind()); }

struct Round {
  Side fixed = Side::undecided, buggy = Side::undecided;
  std::string why;  // of the side that did not pass
};

// Used up its processor time where the other side needed less than a tenth of it.
bool hangs(const RunResult& side, const RunResult& other, const Limits& limits) {
  return side.ending == Ending::cpu_limit && other.cpu_us * 10 < std::uint64_t{limits.cpu_s} * 1'000'000;
}

// By the test's own words: an assertion, not something that is missing where it runs.
bool by_assertion(const RunResult& result) {
  return result.ending == Ending::failed && (result.why.starts_with("AssertionError") || result.why.starts_with("Failed"));
}

// Time decides nothing: what a test that reads the clock says against a fix may be the machine's.
bool reads_clock(std::string_view code) {
  for (const char* word : {"import time", "from time import", "timeit", "perf_counter"})
    if (code.find(word) != std::string_view::npos) return true;
  return false;
}

struct Trial {
  const mendel::Test& test;
  std::string_view only;  // one of its tests; empty: all
  Limits limits;
};

Result<Round> once(Runner& runner, const Trial& trial, Sides sides, std::uint32_t& runs) {
  Round round;
  const auto kind = kind_of(trial.test);
  const auto& limits = trial.limits;
  const auto* project = trial.test.has_project() ? &trial.test.project() : nullptr;
  ++runs;
  auto fixed = runner.run({kind, trial.test.code(), sides.fixed, limits, project, trial.only});
  if (!fixed) return fixed.error();
  round.fixed = side_of(*fixed);
  if (round.fixed != Side::passed) round.why = told("fixed", *fixed);
  const bool may_contradict = fixed->ending == Ending::cpu_limit || (project != nullptr && by_assertion(*fixed) && !reads_clock(trial.test.code()));
  if (round.fixed != Side::passed && !may_contradict) {
    if (project != nullptr) round.fixed = Side::undecided;
    return round;
  }
  ++runs;
  auto buggy = runner.run({kind, trial.test.code(), sides.buggy, limits, project, trial.only});
  if (!buggy) return buggy.error();
  round.buggy = side_of(*buggy);
  if (project != nullptr && round.buggy == Side::faked) round.buggy = Side::undecided;
  if (project != nullptr && round.fixed == Side::failed) {
    round.why += round.buggy == Side::passed ? ", the buggy side passes" : "; " + told("buggy", *buggy);
    if (round.buggy != Side::passed) round.fixed = Side::undecided;
    return round;
  }
  if (round.fixed != Side::passed) {
    if (round.buggy == Side::passed && hangs(*fixed, *buggy, limits)) round.fixed = Side::failed;
    return round;
  }
  if (hangs(*buggy, *fixed, limits)) round.buggy = Side::failed;
  round.why = told("buggy", *buggy);
  return round;
}

Standing standing_of(const Round& round) {
  if (round.fixed == Side::faked || round.buggy == Side::faked) return Standing::faked;
  if (round.fixed == Side::undecided) return Standing::undecided;
  if (round.fixed == Side::failed) return Standing::fixed_fails;
  if (round.buggy == Side::undecided) return Standing::undecided;
  return round.buggy == Side::failed ? Standing::proves : Standing::buggy_passes;
}

Result<TestVerdict> twice(Runner& runner, const Trial& trial, Sides sides) {
  TestVerdict verdict;
  auto first = once(runner, trial, sides, verdict.runs);
  if (!first) return first.error();
  verdict.standing = standing_of(*first);
  verdict.detail = first->why;
  if (trial.test.has_project() && verdict.standing == Standing::undecided) return verdict;
  auto second = once(runner, trial, sides, verdict.runs);
  if (!second) return second.error();
  if (standing_of(*second) == verdict.standing) return verdict;
  const bool undecided = verdict.standing == Standing::undecided || standing_of(*second) == Standing::undecided;
  verdict.standing = undecided ? Standing::undecided : Standing::flaky;
  verdict.detail = first->why + "; the second time: " + second->why;
  return verdict;
}

}  // namespace

Result<TestVerdict> judge(Runner& runner, const mendel::Test& test, Sides sides, const Limits& limits) {
  const Trial all{test, {}, limits_of(test, limits)};
  auto verdict = twice(runner, all, sides);
  if (!verdict || verdict->standing != Standing::undecided || test.project().tests_size() < 2) return verdict;
  for (const auto& name : test.project().tests()) {  // one that lacks something here must not hide what the others show
    auto alone = twice(runner, {test, name, all.limits}, sides);
    if (!alone) return alone;
    verdict->runs += alone->runs;
    if (alone->standing == Standing::undecided) continue;
    const bool decides = alone->standing == Standing::proves || alone->standing == Standing::fixed_fails;
    verdict->standing = alone->standing;
    verdict->detail = name + " alone: " + alone->detail;
    if (decides) break;
  }
  return verdict;
}

}  // namespace mendel::sandbox
