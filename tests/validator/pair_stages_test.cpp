// Every reason on its own example, given by the stage that it belongs to.
#include <doctest/doctest.h>
#include <google/protobuf/util/message_differencer.h>

#include <set>

#include "actors/validator/pair_stages.hpp"
#include "actors/validator/reasons.hpp"
#include "actors/validator/validator_stage.hpp"
#include "tests/validator/samples.hpp"

using namespace mendel;
using namespace mendel::validator;
using samples::pair_of;

namespace {

WorkResult validated(const std::vector<Pair>& pairs, const Config& config = Config()) {
  const auto stage = ValidatorStage::start(config);
  REQUIRE(stage);
  WorkItem item;
  item.set_id(std::string(16, 'i'));
  item.set_stage(Stage::validate);
  for (const auto& pair : pairs) {
    item.mutable_validate()->add_pair_ids(pair.id());
    *item.mutable_validate()->add_pairs() = pair;
  }
  auto result = (*stage)->run(item);
  REQUIRE(result);
  return *std::move(result);
}

std::string reason_of(const Verdict& verdict) {
  for (const auto& stage : verdict.stages())
    if (stage.result() == StageResult::fail) return stage.reason();
  return verdict.accepted() ? "accepted" : "nothing";
}

std::string reason_for(BugClass::Value bug_class, std::string_view buggy, std::string_view fixed, const Config& config = Config()) {
  return reason_of(validated({pair_of(bug_class, buggy, fixed)}, config).proofs(0).verdict());
}

}  // namespace

TEST_CASE("every reason with an example is given for its example, by its stage") {
  for (const auto& row : reasons()) {
    if (row.example.fixed.empty()) continue;
    CAPTURE(row.word);
    const auto verdict = validated({pair_of(row.example.bug_class, row.example.buggy, row.example.fixed)}).proofs(0).verdict();
    CHECK(reason_of(verdict) == row.word);
    for (const auto& stage : verdict.stages())
      if (stage.reason() == row.word) CHECK(stage.name() == row.stage);
  }
}

TEST_CASE("words of the list are unique and found again") {
  std::set<std::string_view> words;
  for (const auto& row : reasons()) {
    CHECK(words.insert(row.word).second);
    CHECK(find_reason(row.word) == &row);
    CHECK_FALSE(row.sentence.empty());
  }
  CHECK(find_reason("no_such_reason") == nullptr);
}

TEST_CASE("reasons that need a setting or a hostile text are given for it") {
  Config config;
  config.mutable_validate()->set_text_bytes_max(256);
  CHECK(reason_for(BugClass::logic, "x = 1", "x = '" + std::string(300, 'a') + "'", config) == "too_large");
  config = Config();
  config.mutable_validate()->set_changed_lines_max(2);
  CHECK(reason_for(BugClass::logic, "x = 1\ny = 1", "x = 2\ny = 2", config) == "not_local");
  CHECK(reason_for(BugClass::logic, "x = 1\ny = 1", "x = 2\ny = 1", config) == "accepted");
  config = Config();
  config.mutable_validate()->set_quality_min(0.99);
  CHECK(reason_for(BugClass::logic, "x = 1", "x = 2", config) == "low_quality");
  CHECK(reason_for(BugClass::logic, "x = 1", "x = " + std::string(60000, '-') + "1") == "too_complex");
  CHECK(reason_for(BugClass::logic, "x = '\xff'", "x = 1") == "bad_text");
}

TEST_CASE("white space that breaks the program is a bug, white space that does not is none") {
  const char* kGood = "def f(a):\n    if a:\n        return 1\n    return 2";
  CHECK(reason_for(BugClass::syntax, "def f(a):\n    if a:\n    return 1\n    return 2", kGood) == "accepted");
  CHECK(reason_for(BugClass::logic, "def f(a):\n    if a:\n        return 1\n        return 2", kGood) == "accepted");
  CHECK(reason_for(BugClass::syntax, "def f(a):\n    if a:\n\treturn 1\n    return 2", kGood) == "accepted");
  CHECK(reason_for(BugClass::logic, "def f(a):\n  if a:\n      return 1\n  return 2", kGood) == "only_layout");
  CHECK(reason_for(BugClass::logic, "def f(a):\n    # why\n    if a:\n\n        return 1\n    return (\n2)",
                   "def f(a):\n    if a:\n        return 1\n    return (2)") == "only_layout");
}

TEST_CASE("a clean sample has equal sides that parse, and no edit signature") {
  const auto result = validated({pair_of(BugClass::none, "x = f(1)", "x = f(1)"), pair_of(BugClass::none, "x = = 1", "x = = 1")});
  CHECK(reason_of(result.proofs(0).verdict()) == "accepted");
  CHECK(result.proofs(0).edit_signature() == 0);
  CHECK(result.proofs(0).minhash().size() == kMinHashBytes);
  CHECK(reason_of(result.proofs(1).verdict()) == "fixed_does_not_parse");
}

TEST_CASE("a verdict has all five stages and says why of each") {
  const auto result = validated({pair_of(BugClass::logic, "x = 1", "x = = 1")});
  const auto& verdict = result.proofs(0).verdict();
  REQUIRE(verdict.stages_size() == 5);
  const char* kNames[] = {"syntax", "difference", "near_duplicate", "tests", "quality"};
  for (int i = 0; i < 5; ++i) CHECK(verdict.stages(i).name() == kNames[i]);
  CHECK(verdict.stages(0).detail() == "line 1: invalid syntax");
  CHECK(verdict.stages(4).reason() == "earlier_stage_failed");
  REQUIRE(result.rejections_size() == 1);
  CHECK(result.rejections(0).reason() == "fixed_does_not_parse");
  CHECK(result.rejections(0).pair_id() == verdict.pair_id());
  CHECK(result.funnel().at("validate.pairs") == 1);
  CHECK(result.funnel().at("validate.accepted") == 0);
}

TEST_CASE("a pair with tests says that they were not run") {
  auto pair = pair_of(BugClass::logic, "def f():\n    return 1", "def f():\n    return 2");
  pair.add_tests()->set_code("assert f() == 2");
  set_pair_id(pair);
  CHECK(validated({pair}).proofs(0).verdict().stages(3).reason() == "tests_not_run");
}

TEST_CASE("what ran decides the stage of tests, and the quality with it") {
  const auto pair = pair_of(BugClass::logic, "def f(a):\n    return a - 1", "def f(a):\n    return a + 1");
  const syntax::Validity valid{syntax::Validity::Kind::valid, 0, {}};
  const auto proof = [&](Evidence evidence, const Pair& of) { return prove(of, {}, valid, valid, Config().validate(), [&](const Pair&) { return evidence; }); };
  Test witness;
  witness.set_code("assert f(1) == 2");
  const auto proven = proof({"", "f(1): 2 and 0", {witness}}, pair), alike = proof({"no_difference_seen", "", {}}, pair), none = proof({"nothing_to_run", "", {}}, pair);
  CHECK(proven.verdict().stages(3).result() == StageResult::pass);
  REQUIRE(proven.witnesses_size() == 1);
  CHECK(alike.verdict().stages(3).result() == StageResult::skipped);
  CHECK(proven.verdict().quality() > none.verdict().quality());
  CHECK(none.verdict().quality() > alike.verdict().quality());
  const auto turned_away = proof({"buggy_passes_tests", "", {}}, pair);
  CHECK_FALSE(turned_away.verdict().accepted());
  CHECK(turned_away.verdict().stages(4).reason() == "earlier_stage_failed");
}

TEST_CASE("nothing is run of a clean sample or where an earlier stage turned the pair away") {
  const syntax::Validity valid{syntax::Validity::Kind::valid, 0, {}};
  int runs = 0;
  const Examine count = [&runs](const Pair&) { return ++runs, Evidence{"nothing_to_run", "", {}}; };
  CHECK(prove(pair_of(BugClass::none, "x = 1", "x = 1"), {}, valid, valid, Config().validate(), count).verdict().stages(3).reason() == "clean_sample");
  CHECK(prove(pair_of(BugClass::logic, "x = 1", "x = 1"), {}, valid, valid, Config().validate(), count).verdict().stages(3).reason() == "earlier_stage_failed");
  CHECK(runs == 0);
}

TEST_CASE("one item gives the same result each time, and a pair the same proof in any company") {
  const auto one = pair_of(BugClass::logic, "x = a - 1", "x = a + 1");
  const auto other = pair_of(BugClass::syntax, "x = (a", "x = (a)");
  const auto together = validated({one, other});
  CHECK(google::protobuf::util::MessageDifferencer::Equals(together, validated({one, other})));
  CHECK(together.proofs(1).SerializeAsString() == validated({other}).proofs(0).SerializeAsString());
}

TEST_CASE("an item of another stage, or without its pairs, is an error") {
  const auto stage = ValidatorStage::start(Config());
  REQUIRE(stage);
  WorkItem item;
  CHECK_FALSE((*stage)->run(item));
  item.mutable_validate()->add_pair_ids(std::string(32, '0'));
  CHECK_FALSE((*stage)->run(item));
}

TEST_CASE("a missing interpreter is named with its remedy") {
  Config config;
  config.mutable_python()->set_interpreter("/no/such/python");
  const auto stage = ValidatorStage::start(config);
  REQUIRE_FALSE(stage);
  CHECK(stage.error().code == ErrorCode::unavailable);
  CHECK(stage.error().what.find("/no/such/python") != std::string::npos);
}
