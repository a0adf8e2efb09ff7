// Whole files mended by a model that knows its fixes by heart; all other bytes stay.
#include <doctest/doctest.h>

#include "actors/trainer/repair.hpp"
#include "tests/trainer/fake_model.hpp"

using namespace mendel;
using namespace mendel::trainer;

namespace {

using Fixes = std::vector<KnownFix>;

// Everything that repairs, with a model of the given fixes.
struct Workshop {
  encoder::Tokenizer tokenizer = small_tokenizer();
  FakeModel model;
  std::unique_ptr<syntax::PythonChecker> checker;

  explicit Workshop(Fixes fixes) : model(tokenizer, std::move(fixes)) {
    auto started = syntax::PythonChecker::start({.interpreter = "", .helpers = 1});
    REQUIRE(started);
    checker = std::move(*started);
  }

  Result<RepairResult> try_repair(std::string_view text, const RepairOptions& options = {}) { return Repairer(model, tokenizer, *checker).repair(text, options); }
  RepairResult repair(std::string_view text, const RepairOptions& options = {}) {
    auto result = try_repair(text, options);
    REQUIRE(result);
    return std::move(*result);
  }
};

std::string with(std::string text, const std::string& from, const std::string& to) {
  for (auto at = text.find(from); at != text.npos; at = text.find(from, at + to.size())) text.replace(at, from.size(), to);
  return text;
}

const std::string kShop =
    "import os\n\n\n"
    "class Shop:\n"
    "    @property\n"
    "    def first(self):\n"
    "        if len(self.items) > 0:\n"
    "            return self.items[1]\n"
    "        return None\n\n"
    "    def total(self):\n"
    "        def price(item):\n"
    "            return item.price\n"
    "        return sum(price(i) for i in self.items)\n\n\n"
    "x = '''\nreturn self.items[1]\n'''\n";

}  // namespace

TEST_CASE("one wrong token of a method is mended and every other byte stays") {
  Workshop shop(Fixes{{"items[1]", "items[0]"}});
  const auto result = shop.repair(kShop);
  CHECK(result.text == with(kShop, "            return self.items[1]", "            return self.items[0]"));
  CHECK(result.changed);
  REQUIRE(result.edits.size() == 1);
  CHECK(result.edits[0].symbol == "Shop.first");
  CHECK(result.edits[0].line == 8);
  CHECK(result.edits[0].column == 31);
  CHECK(result.edits[0].old_text == "1");
  CHECK(result.edits[0].new_text == "0");
  CHECK(result.edits[0].row == 3);
}

TEST_CASE("carriage returns, a byte order mark and a missing last line feed survive") {
  Workshop shop(Fixes{{"items[1]", "items[0]"}});
  std::string file = with(kShop, "\n", "\r\n");
  file = "\xEF\xBB\xBF" + file.substr(0, file.size() - 2);
  const auto result = shop.repair(file);
  CHECK(result.text == with(file, "            return self.items[1]", "            return self.items[0]"));
  for (const auto& text : shop.model.looked_at) CHECK(text.find('\r') == text.npos);
}

TEST_CASE("documentation stays where it is although the model does not see it") {
  const std::string file = "def f(a):\n    \"\"\"Says.\n\n    More.\n    \"\"\"\n    # why\n    b = a  # because\n\n    # then\n    return b  # at last\n";
  Workshop shop(Fixes{{"b = a\n", "b = -a\n"}, {"return b", "return b or 1"}});
  const auto result = shop.repair(file);
  CHECK(result.text == with(with(file, "b = a", "b = -a"), "return b", "return b or 1"));
  CHECK(result.edits.at(0).line == 7);
  CHECK(shop.model.looked_at.at(0) == "def f(a):\n    b = a\n    return b");
}

TEST_CASE("a nested function is mended inside the one around it") {
  Workshop shop(Fixes{{"item.price", "item.cost"}});
  CHECK(shop.repair(kShop).text == with(kShop, "item.price", "item.cost"));
}

TEST_CASE("what the model does not believe in stays as it is") {
  Workshop shop(Fixes{{"items[1]", "items[0]", 1.5}});
  const auto kept = shop.repair(kShop, {.margin = 1.4});
  CHECK_FALSE(kept.changed);
  CHECK(kept.text == kShop);
  CHECK(kept.untouched.size() == 2);
  CHECK(shop.repair(kShop, {.margin = 1.5}).changed);
}

TEST_CASE("a proposal that does not parse gives way to the next one that does") {
  Workshop shop(Fixes{{"items[1]", "items[[1]"}, {"items[1]", "items[0]"}});
  const auto result = shop.repair(kShop);
  CHECK(result.text == with(kShop, "            return self.items[1]", "            return self.items[0]"));
  CHECK(result.edits.at(0).rank == 2);
  CHECK_FALSE(shop.repair(kShop, {.candidates = 1}).changed);
}

TEST_CASE("a def without a colon is mended although no parser sees the function") {
  Workshop shop(Fixes{{"def total(self)\n", "def total(self):\n", 9}});
  const auto broken = with(kShop, "def total(self):", "def total(self)");
  const auto result = shop.repair(broken);
  CHECK(result.text == kShop);
  CHECK_FALSE(result.parsed_before);
  CHECK(result.parses);
}

TEST_CASE("an unclosed bracket is mended where it stands") {
  Workshop shop(Fixes{{"len(self.items > 0", "len(self.items) > 0"}});
  CHECK(shop.repair(with(kShop, "len(self.items) > 0", "len(self.items > 0")).text == kShop);
}

TEST_CASE("a line that lost its indentation is mended in what is around it") {
  Workshop shop(Fixes{{"\nresult = 1\n", "\n    result = 1\n"}});
  const std::string file = "def f(a):\n    b = a\n    result = 1\n    return result + b\n\n\ndef g():\n    return 2\n";
  CHECK(shop.repair(with(file, "    result = 1", "result = 1")).text == file);
}

TEST_CASE("of two syntax errors the one that is known is mended, and the result says that one is left") {
  Workshop shop(Fixes{{"def a(x)\n", "def a(x):\n"}});
  const std::string file = "def a(x)\n    return x\n\ndef b(y)\n    return y\n";
  const auto result = shop.repair(file);
  CHECK(result.text == with(file, "def a(x)", "def a(x):"));
  CHECK_FALSE(result.parses);
  CHECK(result.problem.starts_with("line 4"));
}

TEST_CASE("a broken file is not edited where it is sound") {
  Workshop shop(Fixes{{"return x", "return z"}});
  const std::string file = "def a(x):\n    return x\n\ndef b(y)\n    return y\n";
  CHECK(shop.repair(file).text == file);
}

TEST_CASE("several bugs of a function are mended one after another") {
  Workshop shop(Fixes{{"items[1]", "items[0]"}, {"> 0", ">= 1"}});
  const auto result = shop.repair(kShop);
  CHECK(result.text == with(with(kShop, "            return self.items[1]", "            return self.items[0]"), "> 0", ">= 1"));
  CHECK(result.edits.size() == 2);
  CHECK(shop.repair(kShop, {.rounds = 1}).edits.size() == 1);
}

TEST_CASE("the surest function is edited first, and every further edit must be surer") {
  Workshop shop(Fixes{{"items[1]", "items[0]", -1}, {"item.price", "item.cost", -2}});
  const auto priced = with(kShop, "item.price", "item.cost"), both = with(priced, "            return self.items[1]", "            return self.items[0]");
  CHECK(shop.repair(kShop, {.margin = -0.5, .margin_again = -1.5}).text == priced);
  CHECK(shop.repair(kShop, {.margin = -0.5, .margin_again = -1}).text == both);
}

TEST_CASE("an edit that adds lines moves the functions behind it") {
  Workshop shop(Fixes{{"return None", "found = 1\n    return found", -3}, {"item.price", "item.cost", -2}});
  const auto result = shop.repair(kShop);
  CHECK(result.text == with(with(kShop, "return None", "found = 1\n        return found"), "item.price", "item.cost"));
  CHECK(result.edits.at(1).line == 14);
}

TEST_CASE("a model that goes back and forth ends") {
  Workshop shop(Fixes{{"items[1]", "items[2]"}, {"items[2]", "items[1]"}});
  const auto result = shop.repair(kShop);
  CHECK(result.edits.size() == 1);
  CHECK(result.text == with(kShop, "            return self.items[1]", "            return self.items[2]"));
}

TEST_CASE("a function that is longer than a grid is looked at in windows") {
  std::string file = "def long(x):\n";
  for (int i = 0; i < 150; ++i) file += "    x = x + " + std::to_string(i % 10) + "\n";
  file += "    return y\n";
  Workshop shop(Fixes{{"return y", "return x"}});
  const auto result = shop.repair(file);
  CHECK(result.text == with(file, "return y", "return x"));
  CHECK(result.edits.at(0).line == 152);
  CHECK(shop.model.looked_at.size() > 2);
}

TEST_CASE("a line that fits no grid is left alone and named") {
  const std::string file = "def f():\n    return [" + std::string(20000, '1') + "]\n";
  Workshop shop(Fixes{});
  const auto result = shop.repair(file);
  CHECK_FALSE(result.changed);
  CHECK(result.untouched.at(0).reason == "does not fit the grid");
}

TEST_CASE("a whole text is one piece, function or not") {
  Workshop shop(Fixes{{"range(n", "range(n)"}});
  const auto result = shop.repair("for i in range(n:\n    print(i)\n", {.whole = true});
  CHECK(result.text == "for i in range(n):\n    print(i)\n");
  CHECK(result.bug_probability == doctest::Approx(0.9));
}

TEST_CASE("text that is none is refused, and no text stays none") {
  Workshop shop(Fixes{});
  const auto nul = shop.try_repair(std::string_view("x = 1\0\n", 7));
  REQUIRE_FALSE(nul);
  CHECK(nul.error().code == ErrorCode::invalid_input);
  CHECK(shop.try_repair("x = '\xFF'\n").error().code == ErrorCode::invalid_input);
  for (const auto* text : {"", "\n\n", "# nothing\n"}) CHECK_FALSE(shop.repair(text).changed);
}

TEST_CASE("deep nesting ends in an error or unchanged, never in a crash") {
  Workshop shop(Fixes{});
  const auto deep = shop.try_repair("x = " + std::string(100000, '-') + "1\n");
  if (deep) CHECK_FALSE(deep->changed);
  else CHECK(deep.error().code == ErrorCode::too_complex);
}
