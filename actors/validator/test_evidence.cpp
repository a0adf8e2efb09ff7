// The order of the four kinds of evidence, and the words for what they answer.
#include "actors/validator/test_evidence.hpp"

#include <algorithm>
#include <mutex>
#include <unordered_map>

#include "actors/sandbox/differential.hpp"
#include "actors/sandbox/judge.hpp"
#include "actors/sandbox/probe.hpp"
#include "proto/pair_json.hpp"

namespace mendel::validator {
namespace {

using sandbox::Runner;
using sandbox::Standing;

constexpr char kDoctest[] = "import doctest, subject\nRESULT = doctest.testmod(subject)\nassert RESULT.attempted and not RESULT.failed, RESULT\n";

constexpr std::string_view kFixTestUndecided = "fix_test_undecided";

struct Shared {
  std::shared_ptr<Runner> runner;
  sandbox::Settings settings;
};

// Probed and started once for all validators of the same settings. podman and docker have no fork-server.
Result<std::shared_ptr<Shared>> shared_runner(const Sandbox& config) {
  static std::mutex mutex;
  static std::unordered_map<std::string, std::weak_ptr<Shared>> running;
  const std::lock_guard lock(mutex);
  auto& slot = running[to_json(config)];
  if (auto shared = slot.lock()) return shared;
  auto settings = sandbox::settings_from(config);
  if (!settings) return settings.error();
  if (auto probed = sandbox::probe(config); !probed) return probed.error();
  auto shared = std::make_shared<Shared>();
  shared->settings = *settings;
  if (settings->backend == "bwrap") {
    auto server = sandbox::fork_server(*settings);
    if (!server) return server.error();
    shared->runner = *std::move(server);
  } else {
    shared->runner = sandbox::one_shot(*settings);
  }
  slot = shared;
  return shared;
}

struct StandingRow {
  Standing standing;
  const char* reason;
};
constexpr StandingRow kReasons[] = {{Standing::proves, ""}, {Standing::fixed_fails, "fixed_fails_tests"}, {Standing::buggy_passes, "buggy_passes_tests"},
                                    {Standing::faked, "faked_tests"}, {Standing::flaky, "flaky_tests"}, {Standing::undecided, "tests_undecided"}};

std::string_view reason_of(Standing standing) {
  for (const auto& row : kReasons)
    if (row.standing == standing) return row.reason;
  return "tests_undecided";
}

class Evidences final : public TestEvidence {
 public:
  Evidences(const Config& config, std::shared_ptr<Shared> shared)
      : shared_(std::move(shared)), options_{config.sandbox().calls(), config.seed(), shared_->settings.limits} {}

  Evidence examine(const Pair& pair) override {
    ++counts_["tests.pairs"];
    Evidence set_aside;
    if (std::any_of(pair.tests().begin(), pair.tests().end(), [](const auto& test) { return !test.has_project(); })) {
      auto own = own_tests(pair);
      const bool decided = own.reason != "flaky_tests" && own.reason != "tests_undecided";
      if (decided || !fault_) return counted(std::move(own));
      set_aside = std::move(own);
    }
    if (auto found = fix_tests(pair)) {
      if (found->reason != kFixTestUndecided || !fault_) return counted(*std::move(found));
      set_aside = *std::move(found);
    }
    if (auto found = doctests(pair)) return counted(*std::move(found));
    auto found = differential(pair);
    if (!found.reason.empty() && !set_aside.reason.empty()) return counted(std::move(set_aside));
    return counted(std::move(found));
  }

  Outcome fault() const override { return fault_; }

  std::map<std::string, std::uint64_t> take_counts() override { return std::exchange(counts_, {}); }

 private:
  static sandbox::Sides sides_of(const Pair& pair) { return {pair.buggy(), pair.fixed()}; }

  Evidence counted(Evidence evidence) {
    if (!evidence.reason.empty()) ++counts_["tests." + std::string(evidence.reason)];
    return evidence;
  }

  sandbox::TestVerdict judged(const Test& test, const Pair& pair) {
    auto verdict = sandbox::judge(*shared_->runner, test, sides_of(pair), shared_->settings.limits);
    if (!verdict) {
      fault_ = verdict.error();
      return {};
    }
    counts_["tests.runs"] += verdict->runs;
    return *std::move(verdict);
  }

  // All that stand must pass on the fixed side; one must fail on the buggy side.
  Evidence own_tests(const Pair& pair) {
    Evidence best{"", {}, {}};
    int proving = 0, standing = 0;
    for (const auto& test : pair.tests()) {
      if (test.has_project()) continue;
      auto verdict = judged(test, pair);
      if (verdict.standing == Standing::fixed_fails || verdict.standing == Standing::faked) return {reason_of(verdict.standing), std::move(verdict.detail), {}};
      const bool stands = verdict.standing == Standing::proves || verdict.standing == Standing::buggy_passes;
      standing += stands;
      proving += verdict.standing == Standing::proves;
      if (best.detail.empty() || verdict.standing == Standing::proves) best.detail = std::move(verdict.detail);
      if (!stands) best.reason = reason_of(verdict.standing);
    }
    if (standing > 0) best.reason = proving > 0 ? "" : "buggy_passes_tests";
    if (proving > 0) {
      ++counts_["tests.proven_by_own"];
      best.detail = std::to_string(proving) + " of " + std::to_string(pair.tests_size()) + " tests tell the sides apart: " + best.detail;
    }
    return best;
  }

  // Tests carried from the commit of the fix: the first that proves or contradicts decides.
  std::optional<Evidence> fix_tests(const Pair& pair) {
    std::optional<Evidence> undecided;
    for (const auto& test : pair.tests()) {
      if (!test.has_project()) continue;
      if (!undecided) ++counts_["tests.with_fix_test"];
      auto verdict = judged(test, pair);
      verdict.detail.insert(0, "the test of the fix, " + test.project().test_path() + ": ");
      if (verdict.standing == Standing::fixed_fails) return Evidence{"fixed_fails_tests", std::move(verdict.detail), {}};
      if (verdict.standing == Standing::proves) {
        ++counts_["tests.proven_by_fix_test"];
        return Evidence{"", std::move(verdict.detail), {}};
      }
      if (verdict.standing == Standing::buggy_passes) verdict.detail += " as the fixed side did";
      if (!undecided) undecided = Evidence{kFixTestUndecided, std::move(verdict.detail), {}};
    }
    return undecided;
  }

  std::optional<Evidence> doctests(const Pair& pair) {
    if (!fault_ || pair.fixed().find(">>> ") == std::string::npos) return std::nullopt;
    Test test;
    test.set_kind(TestKind::script);
    test.set_code(kDoctest);
    const auto verdict = judged(test, pair);
    if (!fault_ || verdict.standing != Standing::proves) return std::nullopt;
    ++counts_["tests.proven_by_doctest"];
    return Evidence{"", "the examples in the docstring: " + verdict.detail, {test}};
  }

  Evidence differential(const Pair& pair) {
    if (!fault_) return {"tests_undecided", {}, {}};
    auto found = sandbox::differ(*shared_->runner, sides_of(pair), options_);
    if (!found) {
      fault_ = found.error();
      return {"tests_undecided", {}, {}};
    }
    counts_["tests.runs"] += found->runs;
    using Found = sandbox::Difference::Found;
    if (found->found == Found::none) return {"no_difference_seen", std::move(found->detail), {}};
    if (found->found == Found::not_runnable) return {"nothing_to_run", std::move(found->detail), {}};
    if (found->found == Found::undecided) return {"tests_undecided", std::move(found->detail), {}};
    ++counts_["tests.proven_by_witness"];
    return {"", std::move(found->detail), {std::move(found->test)}};
  }

  std::shared_ptr<Shared> shared_;
  sandbox::DifferentialOptions options_;
  Outcome fault_ = Done{};
  std::map<std::string, std::uint64_t> counts_;
};

}  // namespace

Result<std::unique_ptr<TestEvidence>> TestEvidence::start(const Config& config) {
  auto shared = shared_runner(config.sandbox());
  if (!shared) return shared.error();
  return std::unique_ptr<TestEvidence>(std::make_unique<Evidences>(config, *std::move(shared)));
}

}  // namespace mendel::validator
