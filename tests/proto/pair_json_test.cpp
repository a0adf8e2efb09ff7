// Pairs as JSON lines: the contract that people's scripts rely on.
#include "proto/pair_json.hpp"

#include <doctest/doctest.h>

using namespace mendel;

namespace {

Pair example() {
  Pair pair;
  pair.set_buggy("if a\n  b");
  pair.set_fixed("if a:\n  b");
  pair.mutable_bug()->set_class_(BugClass::syntax);
  pair.mutable_bug()->set_type("missing_colon");
  pair.mutable_bug()->set_operator_("missing_colon");
  pair.mutable_source()->set_kind(SourceKind::mutation);
  pair.mutable_source()->set_repository("json");
  pair.mutable_source()->set_seed(7);
  auto* test = pair.add_tests();
  test->set_kind(TestKind::script);
  test->set_code("assert True is not False");
  test->set_timeout_ms(10000);
  set_pair_id(pair);
  return pair;
}

}  // namespace

TEST_CASE("a pair comes back from its JSON line") {
  const auto pair = example();
  const auto json = to_json(pair);
  CHECK(json.find('\n') == std::string::npos);
  const auto back = pair_from_json(json);
  REQUIRE(back);
  CHECK(back->SerializeAsString() == pair.SerializeAsString());
}

TEST_CASE("names and words are those of the contract") {
  const auto json = to_json(example());
  CHECK(json.find(R"("class":"syntax")") != std::string::npos);
  CHECK(json.find(R"("kind":"mutation")") != std::string::npos);
  CHECK(json.find(R"("seed":7)") != std::string::npos);
  CHECK(json.find(R"("timeout_ms":10000)") != std::string::npos);
}

TEST_CASE("a rejecting verdict says accepted false in so many words") {
  Verdict verdict;
  verdict.set_pair_id(std::string(32, 'a'));
  CHECK(to_json(verdict).find(R"("accepted":false)") != std::string::npos);
}

TEST_CASE("the id covers every field but itself") {
  const auto pair = example();
  auto other = pair;
  other.mutable_source()->set_path("x.py");
  CHECK(pair_id(other) != pair_id(pair));
  other = pair;
  other.mutable_tests(0)->set_timeout_ms(1);
  CHECK(pair_id(other) != pair_id(pair));
  other = pair;
  other.mutable_tests(0)->mutable_project();
  const auto carried = pair_id(other);
  CHECK(carried != pair_id(pair));
  other.mutable_tests(0)->mutable_project()->add_files()->set_path("a.py");
  CHECK(pair_id(other) != carried);
  other = pair;
  other.set_id(std::string(32, '0'));
  CHECK(pair_id(other) == pair_id(pair));
}

TEST_CASE("a pair without an id gets one, and unknown fields do no harm") {
  const auto pair = pair_from_json(R"({"buggy":"a","fixed":"b","stars":3})");
  REQUIRE(pair);
  CHECK(pair->id() == pair_id(*pair).hex());
}

TEST_CASE("what is no pair is refused with a reason") {
  for (const char* text : {"", "null", "[]", "{", R"({"buggy":"a"})", R"({"buggy":1,"fixed":[]})", R"({"buggy":"a","fixed":"b","id":"XYZ"})"}) {
    CAPTURE(text);
    const auto pair = pair_from_json(text);
    REQUIRE_FALSE(pair);
    CHECK_FALSE(pair.error().what.empty());
  }
}
