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

RunResult failed_by(const char* why) {
  auto result = ended(Ending::failed);
  result.why = why;
  return result;
}

// A test that is carried with its project.
mendel::Test carried(std::initializer_list<const char*> names) {
  mendel::Test test;
  test.set_kind(TestKind::pytest);
  for (const char* name : names) test.mutable_project()->add_tests(name);
  return test;
}

Standing standing(std::vector<RunResult> answers, const mendel::Test& test = {}) {
  Scripted runner(std::move(answers));
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

TEST_CASE("a carried test proves as any other does, but condemns only by an assertion that the buggy side passes, twice") {
  const auto test = carried({"test_a"});
  const auto no = failed_by("AssertionError: 1 != 2"), lacks = failed_by("ModuleNotFoundError: No module named 'x'");
  CHECK(standing({ended(kPassed), lacks, ended(kPassed), no}, test) == Standing::proves);
  CHECK(standing({ended(kPassed), ended(kPassed), ended(kPassed), ended(kPassed)}, test) == Standing::buggy_passes);
  CHECK(standing({no, ended(kPassed), no, ended(kPassed)}, test) == Standing::fixed_fails);
  CHECK(standing({no, ended(kPassed), ended(kPassed), no}, test) == Standing::flaky);
  auto of_speed = test;
  of_speed.set_code("from time import time\n");
  CHECK(standing({no}, of_speed) == Standing::undecided);
  CHECK(standing({ended(kPassed), no, ended(kPassed), no}, of_speed) == Standing::proves);
  CHECK(standing({no, no}, test) == Standing::undecided);
  CHECK(standing({lacks}, test) == Standing::undecided);
  CHECK(standing({ended(Ending::ended_early)}, test) == Standing::undecided);
  CHECK(standing({ended(Ending::faked)}, test) == Standing::undecided);
  CHECK(standing({ended(kPassed), ended(Ending::faked)}, test) == Standing::undecided);
}

TEST_CASE("a carried test that lacks something does not hide what another one shows") {
  const auto lacks = failed_by("fixture 'client' not found");
  const auto test = carried({"test_a", "test_b"});
  CHECK(standing({lacks, lacks, ended(kPassed), ended(kFailed), ended(kPassed), ended(kFailed)}, test) == Standing::proves);
  CHECK(standing({lacks, ended(kPassed), ended(kPassed), ended(kPassed), ended(kPassed), lacks}, test) == Standing::buggy_passes);
  CHECK(standing({lacks, lacks, lacks}, test) == Standing::undecided);
}

TEST_CASE("a carried test runs in its project, with pytest and without it") {
  NEEDS_SANDBOX();
  auto bare = sandboxes().settings;
  bare.packages.clear();
  const auto without_pytest = one_shot(bare);
  const std::string fixed = "def add(self, b):\n    return total(self.a, b)", buggy = "def add(self, b):\n    return total(self.a, self.a)";
  auto test = carried({"test_add", "AddTest.test_add", "TestAdd.test_add"});
  test.set_code("import unittest\nfrom pkg.sum import Sum\nfrom .helper import two\ndef test_add():\n    assert Sum(1).add(two) == 3\n"
                "class AddTest(unittest.TestCase):\n    def setUp(self): self.sum = Sum(1)\n    def test_add(self): self.assertEqual(self.sum.add(two), 3)\n"
                "class TestAdd:\n    def setup_method(self): self.sum = Sum(1)\n    def test_add(self): assert self.sum.add(two) == 3\n");
  auto& project = *test.mutable_project();
  project.set_test_path("tests/test_sum.py");
  project.set_subject_path("src/pkg/sum.py");
  project.set_subject_before("from .parts import total\nclass Sum:\n    def __init__(self, a): self.a = a\n");
  project.set_subject_indent("    ");
  project.set_subject_after("\n");
  const std::pair<const char*, const char*> files[] = {{"src/pkg/__init__.py", ""}, {"src/pkg/parts.py", "def total(*a): return sum(a)\n"}, {"tests/__init__.py", ""}, {"tests/helper.py", "two = 2\n"}};
  for (const auto& [path, text] : files) {
    auto& file = *project.add_files();
    file.set_path(path);
    file.set_text(text);
  }
  const auto& limits = sandboxes().settings.limits;
  for (auto* runner : {sandboxes().server.get(), without_pytest.get()}) {
    const auto proven = judge(*runner, test, {buggy, fixed}, limits);
    CHECK_MESSAGE(proven->standing == Standing::proves, proven->detail);
    CHECK(proven->runs == 4);
    const auto swapped = judge(*runner, test, {fixed, buggy}, limits);
    CHECK_MESSAGE(swapped->standing == Standing::fixed_fails, swapped->detail);
    CHECK(judge(*runner, test, {fixed, fixed}, limits)->standing == Standing::buggy_passes);
    auto poorer = test;
    poorer.mutable_project()->mutable_files()->RemoveLast();
    const auto undecided = judge(*runner, poorer, {buggy, fixed}, limits);
    CHECK(undecided->standing == Standing::undecided);
    CHECK_MESSAGE(undecided->detail.find("helper") != std::string::npos, undecided->detail);
  }
}

TEST_CASE("fixtures and parameters of a carried test are pytest's own") {
  NEEDS_SANDBOX();
  if (sandboxes().settings.packages.empty()) {
    MESSAGE("skipped: no pytest beside the checkout or in the system");
    return;
  }
  auto test = carried({"test_add", "test_lacks"});
  test.set_code("import collections, pytest\nfrom one import add\nassert collections.Mapping is collections.abc.Mapping\n@pytest.mark.parametrize('a', [1, 2])\ndef test_add(a, two): assert add(a, two) == a + 2\ndef test_lacks(network): add(1, 1)\n");
  auto& project = *test.mutable_project();
  project.set_test_path("tests/test_one.py");
  project.set_subject_path("one.py");
  auto& conftest = *project.add_files();
  conftest.set_path("tests/conftest.py");
  conftest.set_text("import pytest\n@pytest.fixture\ndef two(): return 2\n");
  const auto verdict = judge(*sandboxes().server, test, {"def add(a, b): return a * b", "def add(a, b): return a + b"}, sandboxes().settings.limits);
  CHECK_MESSAGE(verdict->standing == Standing::proves, verdict->detail);
  CHECK(verdict->detail.starts_with("test_add alone: "));
}
