// Every rule runs on its own example; the stage around it is told apart from bad input.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "actors/linter/lint_tool.hpp"
#include "actors/linter/linter_stage.hpp"
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

TEST_CASE("the tables are in order, so that rules are found") {
  for (const auto& tool : lint_tools()) {
    const auto rules = lint_rules(tool.name);
    REQUIRE_FALSE(rules.empty());
    for (std::size_t i = 1; i < rules.size(); ++i) CHECK(std::string(rules[i - 1].rule) < rules[i].rule);
    for (const auto& rule : rules) CHECK(find_rule(tool.name, rule.rule) == &rule);
    CHECK(find_rule(tool.name, "Z999") == nullptr);
  }
}

TEST_CASE("every rule of every linter finds its own example") {
  for (const auto& tool : lint_tools()) {
    auto linter = tool.start(Config());
    REQUIRE(linter);
    std::vector<LintedText> texts;
    for (const auto& rule : lint_rules(tool.name)) texts.push_back({"example.py", rule.example});
    const auto found = (*linter)->check(texts);
    REQUIRE(found);
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const auto& rule = lint_rules(tool.name)[i];
      CAPTURE(std::string(tool.name) + ":" + rule.rule);
      const auto& list = (*found)[i].diagnostics;
      const auto at = std::find_if(list.begin(), list.end(), [&](const Diagnostic& d) { return d.rule == rule.rule; });
      REQUIRE(at != list.end());
      CHECK(at->tool == tool.name);
      CHECK(at->begin >= Position{1, 1});
      CHECK(at->end >= at->begin);
      if (!tool.fixes) continue;
      REQUIRE(at->fix);
      CHECK(at->fix->applicability == (rule.unsafe ? "unsafe" : "safe"));
    }
  }
}

TEST_CASE("a linter says the same of a text whatever else is in its batch") {
  const std::string odd = "def f(a=[]):\n    s = \"\xC3\xA9\xF0\x9F\x98\x80\"; assert a; return s.no_such()\n";
  for (const auto& tool : lint_tools()) {
    CAPTURE(std::string(tool.name));
    auto linter = tool.start(Config());
    REQUIRE(linter);
    const std::vector<LintedText> one = {{"a.py", odd}};
    const std::vector<LintedText> many = {{"x/__init__.py", "import os\n"}, {"broken.py", "def f(:\n"}, {"isort.py", "raise SystemExit\n"}, {"a.py", odd}};
    const auto alone = (*linter)->check(one), together = (*linter)->check(many);
    REQUIRE(alone);
    REQUIRE(together);
    REQUIRE((*alone)[0].diagnostics.size() == (*together)[3].diagnostics.size());
    for (std::size_t i = 0; i < (*alone)[0].diagnostics.size(); ++i)
      CHECK(to_json((*alone)[0].diagnostics[i]) == to_json((*together)[3].diagnostics[i]));
    REQUIRE((*together)[1].diagnostics.size() >= 1);
    CHECK((*together)[1].diagnostics[0].rule == kUnparsableRule);
  }
}

TEST_CASE("columns of every linter count characters") {
  const std::string text = "def f(a=[]):\n    s = \"\xC3\xA9\xF0\x9F\x98\x80\"; assert a; return s.no_such()\n";
  struct Row {
    const char *tool, *rule;
    std::uint32_t column;
  };
  for (const auto& [tool, rule, column] : {Row{"pylint", "E1101", 32}, Row{"mypy", "attr-defined", 32}, Row{"bandit", "B101", 15}}) {
    const auto tools = lint_tools_named(std::vector<std::string>{tool});
    REQUIRE(tools);
    auto linter = tools->front()->start(Config());
    REQUIRE(linter);
    const auto found = (*linter)->check(std::vector<LintedText>{{"a.py", text}});
    REQUIRE(found);
    const auto& list = (*found)[0].diagnostics;
    const auto at = std::find_if(list.begin(), list.end(), [&](const Diagnostic& d) { return d.rule == rule; });
    REQUIRE(at != list.end());
    CAPTURE(std::string(tool));
    CHECK(at->begin == Position{2, column});
  }
}

TEST_CASE("mypy's columns are right behind characters of any length, in names, strings and comments") {
  struct Row {
    const char *rule, *line;
    std::uint32_t begin, end;
  };
  const auto tools = lint_tools_named(std::vector<std::string>{"mypy"});
  REQUIRE(tools);
  auto linter = tools->front()->start(Config());
  REQUIRE(linter);
  for (const auto& [rule, line, begin, end] : {
           Row{"arg-type", "\"\u00e9\u00e9\u0436\"; f(\"x\")", 10, 13},
           Row{"arg-type", "f(\"\u0436\u0436\")", 3, 7},
           Row{"arg-type", "f(\"x\")  # \u65e5\u672c", 3, 6},
           Row{"arg-type", "\"\u65e5\"; f(\"\u00e9\")", 8, 11},
           Row{"arg-type", "\u00e9 = f(\"\u00e9\")", 7, 10},
           Row{"arg-type", "\"#\u65e5\"; f(\"x\")", 9, 12},
           Row{"name-defined", "f(\u00e9)", 3, 4},
       }) {
    CAPTURE(std::string(line));
    const auto text = std::string("def f(x: int) -> int: return x\n") + line + "\n";
    const auto found = (*linter)->check(std::vector<LintedText>{{"a.py", text}});
    REQUIRE(found);
    REQUIRE((*found)[0].diagnostics.size() == 1);
    const auto& diagnostic = (*found)[0].diagnostics[0];
    CHECK(diagnostic.rule == rule);
    CHECK(diagnostic.begin == Position{2, begin});
    CHECK(diagnostic.end == Position{2, end});
  }
}

namespace {

// Fails on every batch that holds `culprit`.
class FragileTool final : public LintTool {
 public:
  Result<std::vector<Linted>> check(std::span<const LintedText> texts) override {
    ++runs;
    std::vector<Linted> out;
    for (const auto& text : texts) {
      if (text.text == "culprit") return Error{ErrorCode::unavailable, "died of signal 11"};
      Diagnostic diagnostic;
      diagnostic.path = text.path;
      out.push_back({{diagnostic}, ""});
    }
    return out;
  }
  static inline int runs = 0;
};

}  // namespace

TEST_CASE("a file on which a linter dies costs itself alone, and is told") {
  const LintToolRow row{"fragile", "", false, 100, [](const Config&) { return Result<std::unique_ptr<LintTool>>(std::make_unique<FragileTool>()); }};
  const LintToolRow* rows[] = {&row};
  auto linters = Linters::start(rows, Config());
  REQUIRE(linters);
  std::vector<LintedText> texts(64, LintedText{"a.py", "fine"});
  texts[41] = {"b.py", "culprit"};
  const auto found = linters->check(texts);
  REQUIRE(found);
  for (std::size_t i = 0; i < texts.size(); ++i) CHECK((*found)[i].diagnostics.size() == (i == 41 ? 0 : 1));
  CHECK((*found)[41].failures == std::vector<std::string>{"fragile: died of signal 11"});
  CHECK(FragileTool::runs == 13);  // one for the batch and two for each of six halvings
}

TEST_CASE("every safe rule turns its example into a pair whose sides parse") {
  for (const auto& rule : lint_rules("ruff")) {
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
