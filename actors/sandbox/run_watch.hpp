// Watches one run from outside: takes its output and its report, asks the question, keeps the clock.
#pragma once

#include <functional>

#include "actors/syntax/descriptor.hpp"
#include "actors/sandbox/runner.hpp"

namespace mendel::sandbox {

using syntax::Descriptor;

// Our ends of what a run was given; `over` becomes readable, or is hung up, when the run is over.
struct RunEnds {
  Descriptor output, errors, report;
  int over = -1;
};

// How the process of the run ended, as the kernel says.
struct ProcessEnd {
  int status = 0;  // 128 + signal if killed by one
  std::uint64_t cpu_us = 0;
  bool memory_exceeded = false;
};

// The report: {"started":true}, then {"outcome":"passed"} or {"outcome":"failed","why":…}. After "passed"
// the judge sends {"nonce":…}, chosen only now; the answer is {"nonce":…,"planted":n,"failed":n}, where n > 0
// failures were planted into the interpreter that the test left behind, and all must have failed. Of a run
// of kind `observe` all that follows the first line is the observation.
class RunWatch {
 public:
  RunWatch(const Run& run, RunEnds ends);

  // Blocks until the run is over or a limit is met; `kill` must end it, with all its processes, at once.
  void wait(const std::function<void()>& kill);

  // The verdict on how it ended. Error: it never started.
  Result<RunResult> result(const ProcessEnd& end);

 private:
  void take(Descriptor& from, std::string& into);
  void take_report();
  void take_line(std::string_view line);
  void ask();
  void drain();
  Ending ending(const ProcessEnd& end, std::string& why) const;

  const Run& run_;
  RunEnds ends_;
  RunResult result_;
  std::string report_, nonce_, why_;
  std::uint64_t output_bytes_ = 0;
  bool started_ = false, said_passed_ = false, said_failed_ = false, answered_ = false, proved_ = false;
  bool flooded_ = false, timed_out_ = false;
};

// The request that the harness reads.
std::string request_of(const Run& run, const std::vector<std::string>& packages);

}  // namespace mendel::sandbox
