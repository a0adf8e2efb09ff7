// From HTML to pairs: blocks, prompts, Python 2, alignment, attribution.
#include <doctest/doctest.h>

#include <string>

#include "actors/miner/stackoverflow/alignment.hpp"
#include "actors/miner/stackoverflow/attribution.hpp"
#include "actors/miner/stackoverflow/code_blocks.hpp"
#include "actors/miner/stackoverflow/dump_funnel.hpp"
#include "actors/miner/stackoverflow/snippet.hpp"
#include "actors/miner/stackoverflow/stackoverflow_stage.hpp"
#include "proto/pair_json.hpp"
#include "tests/miner/stackoverflow/threads.hpp"

using namespace mendel;
using namespace mendel::miner;

namespace {

Snippet snippet(const std::string& text, const std::string& language = "") { return snippet_of({text, language}, 60); }

Alignment aligned(const std::vector<std::string>& question, const std::vector<std::string>& answer) {
  syntax::Parser parser;
  std::vector<Snippet> asked, answered;
  for (const auto& text : question) asked.push_back(snippet(text));
  for (const auto& text : answer) answered.push_back(snippet(text));
  return align(parser, asked, answered, {});
}

}  // namespace

TEST_CASE("blocks of code come out as a browser shows them") {
  const auto blocks = code_blocks("<p>a <code>b</code></p><pre><code>if a &lt; b &amp;&amp; c:\n    <b>x</b> = \"&quot;\"\n</code></pre><pre>no code</pre>"
                                  "<pre class=\"lang-py prettyprint-override\"><code>y</code></pre><pre><code class=\"lang-js\">z</code></pre>");
  REQUIRE(blocks.size() == 3);
  CHECK(blocks[0].text == "if a < b && c:\n    x = \"\"\"\n");
  CHECK(blocks[0].language.empty());
  CHECK(blocks[1].language == "py");
  CHECK(blocks[2].language == "js");
}

TEST_CASE("hostile nesting costs nothing and an unclosed block ends with the post") {
  std::string deep;
  for (int i = 0; i < 100000; ++i) deep += "<i>";
  CHECK(code_blocks(deep + "<pre><code>a</code></pre>").size() == 1);
  CHECK(code_blocks("<pre><code>" + deep + "a</code></pre><pre><code>b</code></pre>").size() == 1);
  CHECK(code_blocks("<pre><code>a")[0].text == "a");
}

TEST_CASE("prompts and outputs of sessions are stripped") {
  CHECK(snippet(">>> x = [1]\n>>> for i in x:\n...     print(i)\n... \n1\n>>> x\n[1]\n").text == "x = [1]\nfor i in x:\n    print(i)\n\nx");
  CHECK(snippet("In [1]: x = 1\n\nIn [2]: x\nOut[2]: 1\n").text == "x = 1\nx");
  CHECK(snippet("    >>> x = 1\n    >>> y\n    ... elision\n").text == "x = 1\ny\nelision");
  CHECK(snippet("x = ...\n").text == "x = ...");
}

TEST_CASE("indentation, line ends and no-break spaces become plain") {
  CHECK(snippet("\n\n    def f():\r\n\xC2\xA0       return 1  \r\n\n").text == "def f():\n    return 1");
}

TEST_CASE("what is no Python 3 is set aside with its reason") {
  CHECK(std::string(snippet("print 'x'").reason) == "python2");
  CHECK(std::string(snippet("var x = 1;", "js").reason) == "other_language");
  CHECK(std::string(snippet("$ pip install x").reason) == "console");
  CHECK(std::string(snippet("Traceback (most recent call last):\n  File").reason) == "console");
  CHECK(std::string(snippet("").reason) == "no_code");
  CHECK(std::string(snippet("x = '\xFF'").reason) == "not_text");
}

TEST_CASE("every sign of Python 2 finds its own example and leaves Python 3 alone") {
  for (const auto& sign : python2_signs()) {
    CAPTURE(std::string(sign.name));
    CHECK(python2_sign(sign.python2) == sign.name);
    CHECK(python2_sign(sign.python3).empty());
  }
}

TEST_CASE("functions of the same name are paired") {
  const auto found = aligned({"def g():\n    return 0", "class A:\n    def f(self, n):\n        return n < 1\n"}, {"def f(self, n):\n    return n <= 1"});
  REQUIRE(found.pairs.size() == 1);
  CHECK(found.pairs[0].buggy == "def f(self, n):\n    return n < 1");
  CHECK(found.pairs[0].fixed == "def f(self, n):\n    return n <= 1");
  CHECK(found.pairs[0].symbol == "f");
  CHECK(found.pairs[0].bug.type == "wrong_comparison");
}

TEST_CASE("a block without such a function is paired with the block that shares most tokens") {
  const auto found = aligned({"a = 1\nb = 2", "for i in range(n):\n    total += values[i]\nprint(total / n)"}, {"for i in range(n):\n    total += values[i]\nprint(total // n)"});
  REQUIRE(found.pairs.size() == 1);
  CHECK(found.pairs[0].buggy.starts_with("for i in range(n)"));
  CHECK(found.pairs[0].symbol.empty());
}

TEST_CASE("an answer that shows a part is paired with that part of the question") {
  const auto found = aligned({"import csv\nimport os\nnames = os.listdir('.')\nfor name in names:\n    with open(name) as f:\n        rows += list(csv.reader(f))[1]\n\nprint(rows)\nprint(len(rows))"},
                             {"for name in names:\n    with open(name) as f:\n        rows += list(csv.reader(f))[1:]"});
  REQUIRE(found.pairs.size() == 1);
  CHECK(found.pairs[0].buggy == "for name in names:\n    with open(name) as f:\n        rows += list(csv.reader(f))[1]");
  const auto inner = aligned({"def f(names):\n    total = 0\n    for name in names:\n        total += len(name) * 2\n        print(name, total)"}, {"for name in names:\n    total += len(name) * 3\n    print(name, total)"});
  REQUIRE(inner.pairs.size() == 1);
  CHECK(inner.pairs[0].buggy == "for name in names:\n    total += len(name) * 2\n    print(name, total)");
}

TEST_CASE("a question that does not parse gives a syntax pair") {
  const auto found = aligned({"def f(x)\n    return [x for x in range(10) if x % 2]"}, {"def f(x):\n    return [x for x in range(10) if x % 2]"});
  REQUIRE(found.pairs.size() == 1);
  CHECK(found.pairs[0].bug.bug_class == BugClass::syntax);
}

TEST_CASE("code that mends nothing says why") {
  const auto why = [](const std::vector<std::string>& question, const std::vector<std::string>& answer) {
    const auto found = aligned(question, answer);
    CHECK(found.pairs.empty());
    return found.left_out.empty() ? std::string() : std::string(found.left_out[0]);
  };
  CHECK(why({"x = f(1)"}, {"import os\nos.remove('a')"}) == "no_counterpart");
  CHECK(why({"x = f(1)"}, {"x = f(1)"}) == "same_code");
  CHECK(why({"x = f(1)"}, {"x = f(1)  # calls f"}) == "comments_only");
  CHECK(why({"x = f(1, 2, 3)"}, {"x = f(1, 2, 3 +)"}) == "fixed_does_not_parse");
}

TEST_CASE("the licence is the stated one, else that of the date") {
  CHECK(post_license("CC BY-SA 3.0", "2020-01-01T00:00:00.000") == "CC-BY-SA-3.0");
  CHECK(post_license("", "2011-04-07T23:59:59.999") == "CC-BY-SA-2.5");
  CHECK(post_license("", "2011-04-08T00:00:00.000") == "CC-BY-SA-3.0");
  CHECK(post_license("", "2018-05-01T23:59:59.999") == "CC-BY-SA-3.0");
  CHECK(post_license("", "2018-05-02T00:00:00.000") == "CC-BY-SA-4.0");
  CHECK(post_license("", "").empty());
}

TEST_CASE("a pair says who wrote both sides, where, and under what") {
  WorkItem item;
  item.set_stage(Stage::mine_stackoverflow);
  auto& input = *item.mutable_mine_stackoverflow();
  input.set_site("stackoverflow.com");
  auto& thread = *input.add_threads();
  auto& asked = *thread.mutable_question();
  asked.set_id(11);
  asked.set_created("2010-01-01T00:00:00.000");
  asked.set_owner(5);
  asked.set_body(code_html("def f(a, b):\n    return a - b"));
  auto& answered = *thread.add_answers();
  answered.set_id(12);
  answered.set_parent(11);
  answered.set_created("2019-01-01T00:00:00.000");
  answered.set_owner_name("Gone <Away>");
  answered.set_body(code_html("def f(a, b):\n    return a + b"));
  const auto stage = StackoverflowStage::start({});
  REQUIRE(stage);
  const auto result = (*stage)->run(item);
  REQUIRE(result);
  REQUIRE(result->pairs_size() == 1);
  const auto& pair = result->pairs(0);
  CHECK(pair.id() == pair_id(pair).hex());
  const auto& source = pair.source();
  CHECK(source.license() == "CC-BY-SA-4.0");
  CHECK(source.author() == "Gone <Away>");
  CHECK(source.url() == "https://stackoverflow.com/questions/11");
  CHECK(source.fork_root() == source.url());
  REQUIRE(source.attributions_size() == 2);
  CHECK(source.attributions(0).profile() == "https://stackoverflow.com/users/5");
  CHECK(source.attributions(0).license() == "CC-BY-SA-2.5");
  CHECK(source.attributions(1).url() == "https://stackoverflow.com/a/12");
  CHECK(source.attributions(1).profile().empty());
  CHECK(result->funnel().at(kDumpPairs) == 1);
}
