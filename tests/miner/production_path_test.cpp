// Which paths are production code.
#include <doctest/doctest.h>

#include <string>

#include "actors/miner/production_path.hpp"

using namespace mendel::miner;

TEST_CASE("every row keeps its own example out") {
  for (const auto& rule : path_rules()) {
    CAPTURE(std::string(rule.example));
    const auto* decided = not_production(rule.example);
    REQUIRE(decided != nullptr);
    CHECK(std::string(decided->name) == rule.name);
  }
}

TEST_CASE("production code stays") {
  for (const char* path : {"src/flask/app.py", "a.py", "contest/latest.py", "pkg/attest.py", "Doctor/x.py"}) {
    CAPTURE(std::string(path));
    CHECK(not_production(path) == nullptr);
  }
}

TEST_CASE("only names that end in .py are Python") {
  CHECK(is_python("a.py"));
  CHECK_FALSE(is_python(".py"));
  CHECK_FALSE(is_python("a.pyc"));
  CHECK_FALSE(is_python("apy"));
}
