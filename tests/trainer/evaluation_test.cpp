// Outcomes and the report, with a model whose answers are known.
#include <doctest/doctest.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "actors/encoder/encoder_stage.hpp"
#include "actors/trainer/evaluation_report.hpp"
#include "proto/pair_json.hpp"
#include "tests/trainer/fake_model.hpp"

using namespace mendel;
using namespace mendel::trainer;

namespace {

const std::vector<AlarmLevel> kLevels = {{0.05, -1}, {0.1, 0}, {0.2, 1}};

struct Case {
  const char *buggy, *fixed, *type;
  BugClass::Value bug_class;
  SourceKind::Value source;
};

// Known: exactly, by the right cell, in the right row, elsewhere; a syntax bug; a clean one that is edited at 20 %.
const Case kCases[] = {
    {"def a(x):\n    return x - 1", "def a(x):\n    return x + 1", "wrong_operator", BugClass::logic, SourceKind::mutation},
    {"def b(x):\n    return x - 2", "def b(x):\n    return x + 2", "wrong_operator", BugClass::logic, SourceKind::mutation},
    {"def c(x):\n    return x - 3", "def c(x):\n    return x + 3", "wrong_operator", BugClass::logic, SourceKind::git},
    {"def d(x):\n    return x - 4", "def d(x):\n    return x + 4", "wrong_operator", BugClass::logic, SourceKind::linter},
    {"def e(x)\n    return x - 5", "def e(x):\n    return x - 5", "missing_colon", BugClass::syntax, SourceKind::mutation},
    {"def f(x):\n    return x - 6", "def f(x):\n    return x - 6", "no_bug", BugClass::none, SourceKind::mutation},
    {"def g(x):\n    return x - 7", "def g(x):\n    return x - 7", "no_bug", BugClass::none, SourceKind::mutation},
};
const std::vector<KnownFix> kKnown = {{"x - 1", "x + 1", -3}, {"x - 2", "x * 2", -3},       {"x - 3", "x - 9", -3},
                                      {"def d", "def q", -3}, {"def e(x)\n", "def e(x):\n", 0.5}, {"x - 6", "x + 6", 0.9}};

DatasetSamples samples_of(std::shared_ptr<const encoder::Tokenizer> tokenizer) {
  DatasetSamples out("test", 400, *tokenizer);
  WorkItem item;
  for (const auto& one : kCases) {
    Pair pair;
    pair.set_buggy(one.buggy);
    pair.set_fixed(one.fixed);
    pair.mutable_bug()->set_class_(one.bug_class);
    pair.mutable_bug()->set_type(one.type);
    pair.mutable_source()->set_kind(one.source);
    set_pair_id(pair);
    *item.mutable_encode()->add_pairs() = pair;
  }
  const auto result = (*encoder::EncoderStage::start({}, tokenizer))->run(item);
  REQUIRE(result);
  for (const auto& row : result->rows()) out.add(row);
  return out;
}

std::vector<SampleOutcome> outcomes() {
  const auto tokenizer = std::make_shared<const encoder::Tokenizer>(small_tokenizer());
  const auto samples = samples_of(tokenizer);
  FakeModel model(*tokenizer, kKnown);
  auto checker = syntax::PythonChecker::start({.interpreter = "", .helpers = 1});
  REQUIRE(checker);
  auto out = evaluate({model, samples, *tokenizer, **checker, {}, {}});
  REQUIRE(out);
  return std::move(*out);
}

}  // namespace

TEST_CASE("each outcome says how near the best edit came and whether the text parses") {
  const auto all = outcomes();
  REQUIRE(all.size() == 7);
  CHECK(all[0].hit == Hit::exact);
  CHECK(all[1].hit == Hit::right_cell);
  CHECK(all[2].hit == Hit::right_row);
  CHECK(all[3].hit == Hit::elsewhere);
  CHECK(all[4].hit == Hit::exact);
  CHECK_FALSE(all[4].parses_before);
  CHECK(all[4].parses_after);
  CHECK(all[0].parses_before);
  CHECK_FALSE(all[5].has_bug);
}

TEST_CASE("the report counts exact repairs at every level beside doing nothing, sources apart") {
  const auto all = outcomes();
  EvaluationFacts facts;
  facts.cells_max_trained = 400;
  const auto report = nlohmann::json::parse(benchmark_report(facts, all, kLevels));
  const auto& bugs = report["sources"]["all"]["bugs"];
  CHECK(bugs["n"] == 5);
  CHECK(bugs["identity"]["exact"]["count"] == 0);
  CHECK(bugs["identity"]["parses"]["count"] == 4);
  CHECK(bugs["always"]["exact"]["count"] == 2);
  CHECK(bugs["always"]["parses"]["count"] == 5);
  CHECK(bugs["always"]["cell"]["count"] == 3);
  CHECK(bugs["always"]["row"]["count"] == 4);
  CHECK(bugs["at_5"]["exact"]["count"] == 1);
  CHECK(bugs["at_5"]["edited"]["count"] == 4);
  CHECK(bugs["at_20"]["exact"]["count"] == 2);
  CHECK(bugs["at_5"]["repaired"]["count"] == 2);  // the missing colon needs no threshold
  CHECK(report["sources"]["mutation"]["bugs"]["n"] == 3);
  CHECK(report["sources"]["mined"]["bugs"]["n"] == 1);
  CHECK(report["sources"]["linter"]["bugs"]["n"] == 1);
  CHECK(report["sources"]["mutation"]["by_type"]["missing_colon"]["at_10"]["exact"]["count"] == 0);
  CHECK(report["sources"]["all"]["clean"]["false_alarms_at_10"]["count"] == 0);
  CHECK(report["sources"]["all"]["clean"]["false_alarms_at_20"]["count"] == 1);
  CHECK(report["sources"]["all"]["clean"]["false_alarms_at_20"]["n"] == 2);
}

TEST_CASE("the confusion matrix puts every sample into one column") {
  CHECK(confusion_csv(outcomes(), 1) ==
        "bug_type,exact,right_cell,right_row,elsewhere,no_edit\n"
        "missing_colon,1,0,0,0,0\n"
        "no_bug,0,0,0,1,1\n"
        "wrong_operator,1,1,1,1,0\n");
}

TEST_CASE("the table of types has one row a source, class and type, and equal columns") {
  const auto csv = per_bug_type_csv(outcomes(), kLevels);
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin < csv.size();) {
    const auto feed = csv.find('\n', begin);
    lines.push_back(csv.substr(begin, feed - begin));
    begin = feed + 1;
  }
  REQUIRE(lines.size() == 1 + 2 + 2 + 1 + 1);
  for (const auto& line : lines) CHECK(std::count(line.begin(), line.end(), ',') == std::count(lines[0].begin(), lines[0].end(), ','));
  CHECK(lines[1].starts_with("all,logic,wrong_operator,4,0.000000,1.000000,0.250000,"));
}

TEST_CASE("the table for people names what is missing") {
  auto all = outcomes();
  std::erase_if(all, [](const auto& outcome) { return outcome.labels.source == "git"; });
  const auto table = evaluation_table(all, kLevels);
  CHECK(table.find("mined from history: no bug of this source") != std::string::npos);
  CHECK(table.find("    missing_colon") != std::string::npos);
}

TEST_CASE("intervals are Wilson's, sound at the ends") {
  const auto [low, high] = Share{8, 10}.interval();
  CHECK(low == doctest::Approx(0.4902).epsilon(0.001));
  CHECK(high == doctest::Approx(0.9433).epsilon(0.001));
  CHECK(Share{0, 10}.interval().first == doctest::Approx(0));
  CHECK(Share{0, 10}.interval().second == doctest::Approx(0.2775).epsilon(0.001));
  CHECK(Share{0, 0}.interval() == std::pair{0.0, 1.0});
}

TEST_CASE("rank correlation is one for the same order, minus one for the reverse, and shares the ranks of equal values") {
  const std::vector<double> rising = {0.1, 0.2, 0.4, 0.8}, falling = {9, 7, 5, 1}, equal = {3, 3, 3, 3}, tied = {0, 0, 1, 1};
  CHECK(*rank_correlation(rising, rising) == doctest::Approx(1));
  CHECK(*rank_correlation(rising, falling) == doctest::Approx(-1));
  CHECK(*rank_correlation(rising, tied) == doctest::Approx(0.8944).epsilon(0.001));
  CHECK_FALSE(rank_correlation(rising, equal));
  CHECK_FALSE(rank_correlation({}, {}));
}

TEST_CASE("the report says how exact fixes fall over the levels and how the difficulty ranks the misses") {
  const auto report = nlohmann::json::parse(benchmark_report({}, outcomes(), kLevels));
  const auto& all = report["sources"]["all"];
  CHECK(all["difficulty"]["n"] == 5);
  std::uint64_t bugs = 0;
  for (const auto& [level, group] : all["by_level"].items()) bugs += group["n"].get<std::uint64_t>();
  CHECK(bugs == 5);
}
