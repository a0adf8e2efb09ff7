// The mutator's stage: what it makes, what it leaves out and says so, and that nothing but content decides.
#include "actors/mutator/mutator_stage.hpp"

#include <doctest/doctest.h>

#include <map>
#include <set>

#include "actors/mutator/operators.hpp"
#include "proto/pair_json.hpp"

using namespace mendel;
using namespace mendel::mutator;

namespace {

// Functions with places for many operators; `n` makes them differ.
std::string function(int n) {
  const auto name = "f" + std::to_string(n);
  return "def " + name + "(items, limit=None):\n    total = " + std::to_string(n) +
         "\n    if limit is None:\n        limit = len(items)\n    for i in range(limit):\n        if items[i] > 0 and i < limit:\n"
         "            total += items[i] * 2\n    return total\n\n";
}

SourceFile file(std::string path, std::string text) {
  SourceFile out;
  out.set_repository("package");
  out.set_path(std::move(path));
  out.set_text(std::move(text));
  out.set_license("MIT");
  return out;
}

WorkResult mutate(const Config& config, const std::vector<SourceFile>& files) {
  auto stage = MutatorStage::start(config);
  REQUIRE(stage);
  WorkItem item;
  item.set_id(std::string(16, 'i'));
  item.set_stage(Stage::mutate);
  item.mutable_mutate();
  for (const auto& one : files) *item.mutable_mutate()->add_files() = one;
  auto result = (*stage)->run(item);
  REQUIRE(result);
  CHECK(result->item_id() == item.id());
  return *std::move(result);
}

std::string reason_of(const std::string& text) {
  const auto result = mutate({}, {file("a.py", text)});
  if (result.rejections_size() == 0) return "";
  CHECK(result.funnel().at("mutate.rejected." + result.rejections(0).reason()) == 1);
  CHECK(result.rejections(0).subject() == "a.py");
  return result.rejections(0).reason();
}

std::uint64_t skipped(const std::string& text, const char* reason) {
  const auto result = mutate({}, {file("a.py", text)});
  CHECK(result.pairs_size() == 0);
  const auto at = result.funnel().find(std::string("mutate.skipped.") + reason);
  return at == result.funnel().end() ? 0 : at->second;
}

std::string lines_of(const WorkResult& result) {
  std::string out;
  for (const auto& pair : result.pairs()) out += to_json(pair) + "\n";
  return out;
}

}  // namespace

TEST_CASE("bugs of different operators are made of each function, with their provenance") {
  const auto result = mutate({}, {file("a/b.py", function(1) + "class C:\n    def g(self, a):\n        b = a + 1\n        return b\n")});
  std::map<std::string, std::set<std::string>> types;
  for (const auto& pair : result.pairs()) {
    if (pair.bug().class_() == BugClass::none) continue;
    CHECK(types[pair.source().symbol()].insert(pair.bug().type()).second);
    CHECK(pair.bug().operator_() == pair.bug().type());
    CHECK(pair.buggy() != pair.fixed());
    CHECK(pair.source().kind() == SourceKind::mutation);
    CHECK(pair.source().repository() == "package");
    CHECK(pair.source().path() == "a/b.py");
    CHECK(pair.source().license() == "MIT");
    CHECK(pair.source().seed() == 7);
    CHECK(pair.id() == pair_id(pair).hex());
  }
  CHECK(types["f1"].size() == 2);
  CHECK(types["C.g"].size() == 2);
  CHECK(result.funnel().at("mutate.files") == 1);
  CHECK(result.funnel().at("mutate.functions") == 2);
  CHECK(result.funnel().at("mutate.pairs") == static_cast<std::uint64_t>(result.pairs_size()));
  std::uint64_t by_operator = 0;
  for (const auto& [counter, n] : result.funnel())
    if (counter.starts_with("mutate.pairs.")) by_operator += n;
  CHECK(by_operator == result.funnel().at("mutate.pairs"));
}

TEST_CASE("a method is cut out and loses its indentation on both sides") {
  const auto result = mutate({}, {file("a.py", "class C:\n    def g(self, a):\n        b = a + 1\n        return b\n")});
  REQUIRE(result.pairs_size() >= 2);
  for (const auto& pair : result.pairs()) CHECK(pair.fixed() == "def g(self, a):\n    b = a + 1\n    return b");
}

TEST_CASE("a function inside another comes with it, unless that one is too long") {
  const std::string inner = "    def inner(a):\n        b = a + 1\n        return b\n";
  const auto together = mutate({}, {file("a.py", "def outer(x):\n" + inner + "    return inner(x) + 2\n")});
  for (const auto& pair : together.pairs()) CHECK(pair.source().symbol() == "outer");
  std::string body;
  for (int i = 0; i < 100; ++i) body += "    x += " + std::to_string(i) + "\n";
  const auto alone = mutate({}, {file("a.py", "def outer(x):\n" + inner + body + "    return inner(x)\n")});
  CHECK(alone.pairs_size() > 0);
  for (const auto& pair : alone.pairs()) CHECK(pair.source().symbol() == "outer.inner");
}

TEST_CASE("the share of clean samples is the one asked for, be it small or large") {
  std::string text;
  for (int n = 0; n < 1500; ++n) text += function(n);
  for (const double share : {0.0, 0.14, 0.5, 0.9}) {
    Config config;
    config.mutable_sources()->set_file_bytes_max(900000);
    config.mutable_mutate()->set_clean_share(share);
    const auto result = mutate(config, {file("a.py", text)});
    REQUIRE(result.pairs_size() > 1000);
    double clean = 0;
    for (const auto& pair : result.pairs()) {
      if (pair.bug().class_() != BugClass::none) continue;
      ++clean;
      CHECK(pair.bug().type() == "no_bug");
      CHECK(pair.bug().operator_() == "");
      CHECK(pair.buggy() == pair.fixed());
    }
    CHECK(clean / result.pairs_size() == doctest::Approx(share).epsilon(0.08));
  }
}

TEST_CASE("only content and seed decide: neither order nor company") {
  const auto a = file("a.py", function(1) + function(2)), b = file("b.py", function(3));
  const auto both = lines_of(mutate({}, {a, b}));
  CHECK(both == lines_of(mutate({}, {a})) + lines_of(mutate({}, {b})));
  CHECK(lines_of(mutate({}, {b, a})) == lines_of(mutate({}, {b})) + lines_of(mutate({}, {a})));
  CHECK(both == lines_of(mutate({}, {a, b})));
  Config other;
  other.set_seed(8);
  CHECK(lines_of(mutate(other, {a, b})) != both);
}

TEST_CASE("operators are used that were asked for, and unknown ones are refused with the nearest name") {
  Config config;
  config.mutable_mutate()->add_operators("off_by_one");
  const auto result = mutate(config, {file("a.py", function(1))});
  CHECK(result.pairs_size() > 0);
  for (const auto& pair : result.pairs())
    CHECK((pair.bug().type() == "off_by_one" || pair.bug().type() == "no_bug"));
  config.mutable_mutate()->add_operators("missing_colons");
  const auto refused = MutatorStage::start(config);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().what.find("missing_colons") != std::string::npos);
  CHECK(refused.error().what.find("\"missing_colon\"") != std::string::npos);
}

TEST_CASE("the mix of classes follows the weights that the item brings, fitted to its own functions") {
  std::string text;
  for (int n = 0; n < 800; ++n)
    text += function(n) + (n % 4 == 0 ? "def g" + std::to_string(n) + "(a):\n    b = g(a, timeout=" + std::to_string(n + 5) + ")\n    return b + 1\n\n" : "");
  Config config;
  config.mutable_sources()->set_file_bytes_max(900000);
  config.mutable_mutate()->set_clean_share(0);
  auto stage = MutatorStage::start(config);
  REQUIRE(stage);
  REQUIRE(wants_class_mix(config));
  WorkItem item;
  *item.mutable_mutate()->add_files() = file("a.py", text);
  ClassMix mix;
  for (const auto& places : (*stage)->places(item.mutate().files(0))) mix.add(places);
  for (const double weight : class_weights(config, mix)) item.mutable_mutate()->add_class_weights(weight);
  const auto result = (*stage)->run(item);
  REQUIRE(result);
  std::map<BugClass::Value, double> share;
  for (const auto& pair : result->pairs()) share[pair.bug().class_()] += 1.0 / result->pairs_size();
  CHECK(share[BugClass::syntax] == doctest::Approx(0.3).epsilon(0.1));
  CHECK(share[BugClass::logic] == doctest::Approx(0.4).epsilon(0.1));
  CHECK(share[BugClass::style] == doctest::Approx(0.2).epsilon(0.1));
  CHECK(share[BugClass::security] == doctest::Approx(0.1).epsilon(0.15));
  item.mutable_mutate()->add_class_weights(1);
  CHECK_FALSE((*stage)->run(item));
}

TEST_CASE("weights of the configuration stand in for those of the table, and wrong ones are refused by name") {
  Config config;
  for (const auto& row : operators()) config.mutable_mutate()->add_weights(std::string(row.name) + (std::string_view(row.name) == "off_by_one" ? "=2.5" : "=0"));
  const auto result = mutate(config, {file("a.py", function(1) + function(2))});
  CHECK(result.pairs_size() > 0);
  for (const auto& pair : result.pairs()) CHECK((pair.bug().type() == "off_by_one" || pair.bug().type() == "no_bug"));
  for (const char* wrong : {"of_by_one=1", "off_by_one", "off_by_one=", "off_by_one=x", "off_by_one=-1", "off_by_one=nan", "off_by_one=1e9"}) {
    CAPTURE(wrong);
    Config one;
    one.mutable_mutate()->add_weights(wrong);
    const auto refused = MutatorStage::start(one);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().what.find("off_by_one") != std::string::npos);
    CHECK(refused.error().what.find("mutate.weights") != std::string::npos);
  }
  config.mutable_mutate()->clear_weights();
  config.mutable_mutate()->add_operators("off_by_one");
  config.mutable_mutate()->add_weights("off_by_one=0");
  CHECK_FALSE(MutatorStage::start(config));
}

TEST_CASE("files that cannot be mutated are rejected with their reason") {
  CHECK(reason_of("") == "empty_file");
  CHECK(reason_of(std::string("x = 1\0\n", 7)) == "has_nul");
  CHECK(reason_of("# \xe9\n") == "bad_utf8");
  CHECK(reason_of("# \xed\xa0\x80\n") == "bad_utf8");
  CHECK(reason_of("x = '" + std::string(1 << 20, 'a') + "'") == "too_large");
  CHECK(reason_of("def f(:\n    pass\n") == "does_not_parse");
  CHECK(reason_of(std::string(100000, '-')) == "does_not_parse");
  CHECK(reason_of(function(1)) == "");
}

TEST_CASE("functions that teach nothing are passed over and counted") {
  CHECK(skipped("def f(a): return a + 1\n", "too_short") == 1);
  CHECK(skipped("def f(a):\n    '''Says\n    what.'''\n", "trivial") == 1);
  CHECK(skipped("def f(a):\n    '''Says.'''\n    raise NotImplementedError('f')\n", "trivial") == 1);
  CHECK(skipped("def f(a):\n    ...\n    pass\n", "trivial") == 1);
  std::string many = "def f(a):\n    if a: pass\n";
  for (int i = 0; i < 5000; ++i) many += "    elif a == " + std::to_string(i) + ": pass\n";
  CHECK(skipped(many, "too_long") == 1);
  CHECK(skipped("def f(a):\n    x = 1\n\n    return '" + std::string(20000, 'x') + "'\n", "too_long") == 1);
}

TEST_CASE("a function without a place for the operators asked for gives no clean sample either") {
  Config config;
  config.mutable_mutate()->add_operators("async_not_awaited");
  const auto result = mutate(config, {file("a.py", function(1) + function(2))});
  CHECK(result.pairs_size() == 0);
  CHECK(result.funnel().at("mutate.skipped.no_place") == 2);
}

TEST_CASE("a byte order mark, CRLF, tabs and form feeds keep their bytes") {
  const auto crlf = mutate({}, {file("a.py", "\xef\xbb\xbf" "def f(a):\r\n    b = a + 1\r\n    return b\r\n")});
  REQUIRE(crlf.pairs_size() >= 2);
  for (const auto& pair : crlf.pairs()) CHECK(pair.fixed() == "def f(a):\r\n    b = a + 1\r\n    return b");
  const auto tabs = mutate({}, {file("a.py", "class C:\n\tdef f(a):\n\t\tb = a + 1\n\x0c\n\t\treturn b\n")});
  REQUIRE(tabs.pairs_size() >= 2);
  for (const auto& pair : tabs.pairs()) CHECK(pair.fixed() == "def f(a):\n\tb = a + 1\n\x0c\n\treturn b");
}

TEST_CASE("an item of another stage is an error") {
  auto stage = MutatorStage::start({});
  REQUIRE(stage);
  WorkItem item;
  item.mutable_lint();
  CHECK_FALSE((*stage)->run(item));
}
