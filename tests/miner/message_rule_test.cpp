// Every row of the message table on its own example.
#include <doctest/doctest.h>

#include <string>

#include "actors/miner/message_rule.hpp"

using namespace mendel::miner;

TEST_CASE("every row decides its own example") {
  for (const auto& rule : message_rules()) {
    CAPTURE(std::string(rule.example));
    const auto* decided = deciding_rule(rule.example);
    REQUIRE(decided != nullptr);
    CHECK(std::string(decided->name) == rule.name);
  }
}

TEST_CASE("no row decides its counter-example") {
  for (const auto& rule : message_rules()) {
    CAPTURE(std::string(rule.counter_example));
    const auto* decided = deciding_rule(rule.counter_example);
    CHECK((decided == nullptr || std::string(decided->name) != rule.name));
  }
}

TEST_CASE("a plain fix outranks a beginning, a hint does not") {
  for (const char* message : {"Add a fix for empty hosts", "Added workaround for Chrome", "Improve speed, fix a leak", "Fix typo in attribute name", "fix(api): keep order"})
    CHECK(is_bug_fix(message));
  for (const char* message : {"Add exception details to response", "Explain AttributeError", "feat: fix-it button", "docs: fix link", "Fix typo in the docs"})
    CHECK_FALSE(is_bug_fix(message));
}

TEST_CASE("that an issue is closed does not make a feature a fix") {
  for (const char* message : {"Add IPv6 lookups. Fixes #26852", "[player] Support embedded lists (Fixes #2084)", "facts: add flags\n\nFixes: #83331", "make - show progress\n\nFixes https://example.com/issues/4",
                              "Allow empty names. This fixes #3", "Remove the old formats, bug 12"})
    CHECK_FALSE(is_bug_fix(message));
  for (const char* message : {"Make sure the name is valid. Fixes #4322", "Fixes #12", "router: keep the order (fix #4)", "Add a check that fixes the crash of #12", "Fix 404 on empty paths", "improve detection (fixes #1)"})
    CHECK(is_bug_fix(message));
}

TEST_CASE("words match at their boundaries only") {
  for (const char* message : {"Add a prefix to the table", "Debugging aid", "Suffixes are sorted", "Terrorist", "", "   \n  ", "Refactor the app"}) {
    CAPTURE(std::string(message));
    CHECK_FALSE(is_bug_fix(message));
  }
  for (const char* message : {"fix: empty list", "FIXED #12", "Don't crash", "[bug] off by one", "\xFF\xFE bug", "Keep x\n\nThis fixes #3."}) {
    CAPTURE(std::string(message));
    CHECK(is_bug_fix(message));
  }
}

TEST_CASE("what is excluded stands in the subject, not in the explanation") {
  CHECK(is_bug_fix("Fix crash on empty input\n\nMerge both tests into one, bump the docs."));
  CHECK_FALSE(is_bug_fix("Bump version\n\nfixes #3"));
}

TEST_CASE("a message of any length is read up to a bound") {
  CHECK_FALSE(is_bug_fix(std::string(kMessageBytesMax, 'x') + " fix"));
  CHECK(is_bug_fix("fix " + std::string(1 << 20, '-')));
}
