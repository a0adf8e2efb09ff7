// Looks for calls that tell two texts apart, and makes the first that does into a test anyone can run.
//
// The observer inside the sandbox proposes calls and says what it saw; only runs of the finished test,
// judged outside, prove anything. So a code that lies to the observer gains nothing.
#pragma once

#include <optional>

#include "actors/sandbox/judge.hpp"

namespace mendel::sandbox {

struct Difference {
  enum class Found : std::uint8_t {
    witness,  // `test` passes on the fixed side and fails on the buggy side, verified
    none,  // both sides behaved alike in all calls
    not_runnable,  // no function with a change, or it cannot be loaded
    undecided,  // a limit of time was met, a difference did not come twice, or where the sides differ the fixed side does not end
  };
  Found found = Found::undecided;
  mendel::Test test;
  std::string detail;  // one sentence: the call and what both sides do, or what was in the way
  std::uint32_t calls = 0, runs = 0;
};

struct DifferentialOptions {
  std::uint32_t calls = 40;  // of each changed function
  std::uint64_t seed = 7;
  Limits limits;
};

// Calls follow from the two texts, `calls` and `seed` alone. What is seen of a call: value or exception, what
// became of the arguments, output, and what was done to the ghosts that play undefined names; whether it
// ends is decided by a count of lines, not by a clock. Error: the sandbox failed.
Result<Difference> differ(Runner& runner, Sides sides, const DifferentialOptions& options);

}  // namespace mendel::sandbox
