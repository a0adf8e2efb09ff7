// The loader by itself: reflection over the message, origins, nearest names.
#include "actors/cli/configuration.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace mendel;
using namespace mendel::cli;

TEST_CASE("defaults are those of the definition and every section is present") {
  const auto loaded = load_configuration({});
  REQUIRE(loaded);
  CHECK(loaded->message.seed() == 7);
  CHECK(loaded->message.has_train());
  CHECK(loaded->message.runtime().lease_ms() == 30000);
  for (const auto& [path, origin] : loaded->origins) CHECK_MESSAGE(origin == "default", path);
}

TEST_CASE("every key has a help text and a default within its own bounds") {
  const auto loaded = load_configuration({});
  REQUIRE(loaded);
  std::set<std::string> seen;
  for (const auto& key : configuration_keys(loaded->message)) {
    CAPTURE(key.path);
    CHECK_FALSE(key.help.empty());
    CHECK(seen.insert(key.path).second);
    const auto again = load_configuration({.file = {}, .environment = {}, .settings = {key.path + "=" + key.value}});
    CHECK_MESSAGE(again, key.value);
  }
}

TEST_CASE("a setting beats the environment") {
  const auto loaded = load_configuration({.file = {}, .environment = {"MENDEL_SEED=4", "OTHER=1"}, .settings = {"seed=5"}});
  REQUIRE(loaded);
  CHECK(loaded->message.seed() == 5);
  CHECK(loaded->origins.at("seed") == "--set");
}

TEST_CASE("a list takes one bare value, a list, and an empty list") {
  const auto value = [](const std::string& text) { return load_configuration({.file = {}, .environment = {}, .settings = {"sources.python=" + text}}); };
  REQUIRE(value("src"));
  CHECK(value("src")->message.sources().python(0) == "src");
  CHECK(value("[\"a b\", \"c\"]")->message.sources().python_size() == 2);
  CHECK(value("[]")->message.sources().python_size() == 0);
  CHECK_FALSE(value("[1]"));
}

TEST_CASE("a list of tables is read, printed and read again") {
  const std::string text = R"([{name = "syntax", samples = 150, difficulty_max = 0.2, types = ["missing_colon"], gates = ["end: loss < 2.5"]}, {epochs = 3}])";
  const auto loaded = load_configuration({.file = {}, .environment = {}, .settings = {"train.stages=" + text}});
  REQUIRE(loaded);
  const auto& train = loaded->message.train();
  REQUIRE(train.stages_size() == 2);
  CHECK(train.stages(0).name() == "syntax");
  CHECK(train.stages(0).difficulty_max() == 0.2);
  CHECK(train.stages(0).epochs() == 1);
  CHECK(train.stages(1).epochs() == 3);
  for (const auto& key : configuration_keys(loaded->message)) {
    if (key.path != "train.stages") continue;
    CHECK(key.type == "list of tables");
    const auto again = load_configuration({.file = {}, .environment = {}, .settings = {"train.stages=" + key.value}});
    REQUIRE(again);
    CHECK(again->message.train().stages(0).SerializeAsString() == train.stages(0).SerializeAsString());
  }
}

TEST_CASE("what is wrong inside a table is named with the table's number") {
  const auto error = [](const std::string& value) {
    const auto loaded = load_configuration({.file = {}, .environment = {}, .settings = {"train.stages=" + value}});
    return loaded ? std::string() : loaded.error().what;
  };
  CHECK(error("[{epochs = 1}, {epoch = 2}]") == "--set: unknown key \"train.stages[2].epoch\"; did you mean \"epochs\"?");
  CHECK(error("[{epochs = 0}]") == "--set: train.stages[1].epochs: expected integer (1 to 1000), got 0");
  CHECK(error("[{classes = [\"syntx\"]}]").find("train.stages[1].classes: expected list of strings (syntax|logic|") != std::string::npos);
  CHECK(error("[5]").find("train.stages: expected list of tables, got 5") != std::string::npos);
  CHECK(error("syntax").find("train.stages: expected list of tables") != std::string::npos);
}

TEST_CASE("the nearest name is near, or none") {
  CHECK(nearest("trian", {"train", "mutate"}) == "train");
  CHECK(nearest("zzzzzz", {"train", "mutate"}).empty());
}
