// What makes a test a proof: the fixed side passes twice, the buggy side fails twice.
#include "actors/sandbox/judge.hpp"

#include <map>

#include "tests/sandbox/sandboxes.hpp"

using namespace mendel;
using namespace mendel::sandbox;
using namespace mendel::sandbox::samples;

namespace {

// Answers what a script of endings says, in order; no process is started.
class Scripted final : public Runner {
 public:
  explicit Scripted(std::vector<RunResult> answers) : answers_(std::move(answers)) {}
  Result<RunResult> run(const Run& run) override {
    seen.emplace_back(run.subject);
    limits = run.limits;
    if (at_ >= answers_.size()) return Error{ErrorCode::unavailable, "no more answers"};
    return answers_[at_++];
  }
  std::vector<std::string> seen;
  Limits limits;

 private:
  std::vector<RunResult> answers_;
  std::size_t at_ = 0;
};

RunResult ended(Ending ending, std::uint64_t cpu_us = 1000) {
  RunResult result;
  result.ending = ending;
  result.cpu_us = cpu_us;
  return result;
}

Standing standing(std::vector<RunResult> answers) {
  Scripted runner(std::move(answers));
  mendel::Test test;
  const auto verdict = judge(runner, test, {"buggy", "fixed"}, Limits{});
  REQUIRE(verdict);
  return verdict->standing;
}

constexpr auto kPassed = Ending::passed, kFailed = Ending::failed;

}  // namespace

TEST_CASE("a test proves if the fixed side passes twice and the buggy side fails twice") {
  CHECK(standing({ended(kPassed), ended(kFailed), ended(kPassed), ended(kFailed)}) == Standing::proves);
  CHECK(standing({ended(kPassed), ended(Ending::ended_early), ended(kPassed), ended(kFailed)}) == Standing::proves);
  CHECK(standing({ended(kPassed), ended(kPassed), ended(kPassed), ended(kPassed)}) == Standing::buggy_passes);
  CHECK(standing({ended(kFailed), ended(kFailed)}) == Standing::fixed_fails);
}

TEST_CASE("a test that is not twice the same is set aside") {
  CHECK(standing({ended(kPassed), ended(kFailed), ended(kPassed), ended(kPassed)}) == Standing::flaky);
  CHECK(standing({ended(kPassed), ended(kFailed), ended(kFailed)}) == Standing::flaky);
}

TEST_CASE("a wall clock that ran out decides nothing, on either side") {
  CHECK(standing({ended(kPassed), ended(Ending::timed_out), ended(kPassed), ended(Ending::timed_out)}) == Standing::undecided);
  CHECK(standing({ended(Ending::timed_out), ended(kPassed), ended(kFailed)}) == Standing::undecided);
}

TEST_CASE("used up processor time is a failure only where the other side needed less than a tenth") {
  const auto hang = ended(Ending::cpu_limit, 10'000'000);
  CHECK(standing({ended(kPassed, 999'999), hang, ended(kPassed, 999'999), hang}) == Standing::proves);
  CHECK(standing({ended(kPassed, 1'000'000), hang, ended(kPassed, 1'000'000), hang}) == Standing::undecided);
  CHECK(standing({hang, hang, hang, hang}) == Standing::undecided);
}

TEST_CASE("a repair that hangs where the bug passes at once is none") {
  const auto hang = ended(Ending::cpu_limit, 10'000'000);
  CHECK(standing({hang, ended(kPassed, 999'999), hang, ended(kPassed, 999'999)}) == Standing::fixed_fails);
  CHECK(standing({hang, ended(kPassed, 1'000'000), hang, ended(kPassed, 1'000'000)}) == Standing::undecided);
  CHECK(standing({hang, ended(kFailed), hang, ended(kFailed)}) == Standing::undecided);
}

TEST_CASE("a faked success on either side is told") {
  CHECK(standing({ended(Ending::faked), ended(Ending::faked)}) == Standing::faked);
  CHECK(standing({ended(kPassed), ended(Ending::faked), ended(kPassed), ended(Ending::faked)}) == Standing::faked);
}

TEST_CASE("a test's own timeout can only tighten the limits, and a broken sandbox is an error") {
  Scripted runner({});
  mendel::Test test;
  test.set_timeout_ms(1500);
  CHECK_FALSE(judge(runner, test, {"b", "f"}, Limits{}));
  CHECK(runner.limits.cpu_s == 2);
  CHECK(runner.limits.wall_ms == 15'000);
  test.set_timeout_ms(10'000'000);
  CHECK_FALSE(judge(runner, test, {"b", "f"}, Limits{}));
  CHECK(runner.limits.cpu_s == Limits{}.cpu_s);
  CHECK(runner.limits.wall_ms == Limits{}.wall_ms);
}

TEST_CASE("each kind of test proves a real pair, and a swapped pair is turned away") {
  NEEDS_SANDBOX();
  const std::string fixed = "def add(a, b):\n    return a + b\n", buggy = "def add(a, b):\n    return a - b\n";
  std::map<TestKind::Value, std::string> tests = {{TestKind::script, "assert add(1, 2) == 3\n"},
                                                  {TestKind::unittest, "import unittest\nclass T(unittest.TestCase):\n    def test_add(self): self.assertEqual(add(1, 2), 3)\n"},
                                                  {TestKind::command, "python3 -c 'import subject; assert subject.add(1, 2) == 3'"}};
  if (!sandboxes().settings.packages.empty()) tests[TestKind::pytest] = "def test_add(): assert add(1, 2) == 3\n";
  for (const auto& [kind, code] : tests) {
    CAPTURE(code);
    mendel::Test test;
    test.set_kind(kind);
    test.set_code(code);
    CHECK(judge(*sandboxes().server, test, {buggy, fixed}, sandboxes().settings.limits)->standing == Standing::proves);
    CHECK(judge(*sandboxes().server, test, {fixed, buggy}, sandboxes().settings.limits)->standing == Standing::fixed_fails);
    CHECK(judge(*sandboxes().server, test, {fixed, fixed}, sandboxes().settings.limits)->standing == Standing::buggy_passes);
  }
}
