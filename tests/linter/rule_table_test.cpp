// Every rule runs on its own example; the stage around it is told apart from bad input.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "actors/linter/linter_stage.hpp"
#include "actors/linter/ruff.hpp"
#include "actors/linter/rule_table.hpp"
#include "actors/syntax/tree.hpp"

using namespace mendel;
using namespace mendel::linter;

namespace {

WorkItem item_of(std::initializer_list<std::pair<const char*, std::string>> files) {
  WorkItem item;
  item.mutable_lint();
  for (const auto& [path, text] : files) {
    auto& file = *item.mutable_lint()->add_files();
    file.set_path(path);
    file.set_repository("demo");
    file.set_text(text);
  }
  return item;
}

WorkResult run(const WorkItem& item, const Config& config = {}) {
  auto stage = LinterStage::start(config);
  REQUIRE(stage);
  auto result = (*stage)->run(item);
  REQUIRE(result);
  return *result;
}

}  // namespace

TEST_CASE("the table is in order, so that rules are found") {
  const auto rules = lint_rules();
  for (std::size_t i = 1; i < rules.size(); ++i) CHECK(std::string(rules[i - 1].rule) < rules[i].rule);
  for (const auto& rule : rules) CHECK(find_rule(rule.rule) == &rule);
  CHECK(find_rule("E999") == nullptr);
}

TEST_CASE("every rule finds its own example, with a fix of the kind that the table says") {
  const auto ruff = Ruff::find(Config());
  REQUIRE(ruff);
  std::vector<LintedText> texts;
  for (const auto& rule : lint_rules()) texts.push_back({"example.py", rule.example});
  const auto found = ruff->check(texts);
  REQUIRE(found);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const auto& rule = lint_rules()[i];
    CAPTURE(std::string(rule.rule));
    const auto& list = (*found)[i];
    const auto at = std::find_if(list.begin(), list.end(), [&](const Diagnostic& d) { return d.rule == rule.rule; });
    REQUIRE(at != list.end());
    REQUIRE(at->fix);
    CHECK(at->fix->applicability == (rule.unsafe ? "unsafe" : "safe"));
  }
}

TEST_CASE("every safe rule turns its example into a pair whose sides parse") {
  for (const auto& rule : lint_rules()) {
    if (rule.unsafe) continue;
    CAPTURE(std::string(rule.rule));
    const auto result = run(item_of({{"example.py", rule.example}}));
    const auto wanted = std::string("ruff:") + rule.rule;
    const auto at = std::find_if(result.pairs().begin(), result.pairs().end(), [&](const Pair& pair) { return pair.bug().rule() == wanted; });
    REQUIRE(at != result.pairs().end());
    CHECK(at->bug().type() == rule.type);
    CHECK(at->bug().class_() == rule.bug_class);
    CHECK(at->source().kind() == SourceKind::linter);
    CHECK(at->buggy() != at->fixed());
  }
}

TEST_CASE("unsafe fixes are taken only when they are asked for") {
  const auto item = item_of({{"a.py", "def f(a):\n    return a == None\n"}});
  CHECK(run(item).pairs_size() == 0);
  Config config;
  config.mutable_lint()->set_unsafe_fixes(true);
  const auto result = run(item, config);
  REQUIRE(result.pairs_size() == 1);
  CHECK(result.pairs(0).fixed() == "def f(a):\n    return a is None");
}

TEST_CASE("bad files are rejections and do not hide the good ones") {
  const auto result = run(item_of({{"nul.py", std::string("a\0b", 3)},
                                   {"latin.py", "# \xE9\n"},
                                   {"empty.py", ""},
                                   {"broken.py", "def f(:\n"},
                                   {"big.py", std::string(600'000, '-')},
                                   {"good.py", "def f(a, b):\n    return not a in b\n"}}));
  CHECK(result.rejections_size() == 5);
  REQUIRE(result.pairs_size() == 1);
  CHECK(result.pairs(0).source().path() == "good.py");
  CHECK(result.funnel().at("lint.files") == 6);
}

TEST_CASE("a file gives a bounded number of pairs, each rule first its first") {
  std::string text;
  for (int i = 0; i < 30; ++i) text += "def f" + std::to_string(i) + "(a, b):\n    return not a in b\n\n\n";
  text += "def last():\n    return f\"a\"\n";
  const auto result = run(item_of({{"a.py", text}}));
  CHECK(result.pairs_size() == 8);
  CHECK(result.pairs(7).bug().rule() == "ruff:F541");
}

TEST_CASE("the same item gives the same bytes") {
  const auto item = item_of({{"a.py", "def f(a, b):\n    return not a in b\n"}, {"b.py", "def g():\n    return f\"a\"\n"}});
  const auto first = run(item), second = run(item);
  REQUIRE(first.pairs_size() == 2);
  for (int i = 0; i < 2; ++i) CHECK(first.pairs(i).SerializeAsString() == second.pairs(i).SerializeAsString());
}

TEST_CASE("a linter that is not there or hangs is told, not waited for") {
  Config config;
  config.mutable_lint()->set_ruff("/no/such/ruff");
  const auto stage = LinterStage::start(config);
  REQUIRE_FALSE(stage);
  CHECK(stage.error().code == ErrorCode::unavailable);
  CHECK(stage.error().what.find("make deps") != std::string::npos);
}
