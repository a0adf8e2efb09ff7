// Pairs: both sides alike, ids, licences, what is counted.
#include <doctest/doctest.h>

#include <string>

#include "actors/cleaner/cleaning.hpp"
#include "actors/syntax/python_checker.hpp"
#include "actors/cleaner/detectors.hpp"
#include "proto/pair_json.hpp"

using namespace mendel;
using namespace mendel::cleaner;

namespace {

Pair pair_of(const std::string& buggy, const std::string& fixed, const std::string& license = "MIT") {
  Pair pair;
  pair.set_buggy(buggy);
  pair.set_fixed(fixed);
  pair.mutable_source()->set_license(license);
  set_pair_id(pair);
  return pair;
}

}  // namespace

TEST_CASE("the same content is the same placeholder on both sides and other content another") {
  auto pair = pair_of("m = ['a@acme.de', 'b@acme.de']\nreturn 1", "m = ['b@acme.de', 'c@acme.de']\nreturn 2  # a@acme.de");
  const auto id = pair.id();
  CleanCounts counts;
  clean_pair(pair, counts);
  CHECK(pair.fixed() == "m = ['user1@example.com', 'user2@example.com']\nreturn 2  # user3@example.com");
  CHECK(pair.buggy() == "m = ['user3@example.com', 'user1@example.com']\nreturn 1");
  CHECK(counts.at("clean.email") == 5);
  CHECK(counts.at("clean.pairs") == 1);
  CHECK(pair.id() != id);
  CHECK(pair.id() == pair_id(pair).hex());
}

TEST_CASE("a side that lost a quote is cleaned like the other") {
  auto pair = pair_of("m = jane.doe@acme.de'", "m = 'jane.doe@acme.de'");
  CleanCounts counts;
  clean_pair(pair, counts);
  CHECK(pair.buggy() == "m = user1@example.com'");
  CHECK(pair.fixed() == "m = 'user1@example.com'");
}

TEST_CASE("what a test carries is cleaned with the pair") {
  auto pair = pair_of("m = 'jane@acme.de'", "m = ['jane@acme.de']");
  auto& project = *pair.add_tests()->mutable_project();
  project.set_subject_before("# of joe@acme.de\n");
  project.set_subject_after("# of jane@acme.de\n");
  project.add_files()->set_text("them = 'joe@acme.de'\n");
  CleanCounts counts;
  clean_pair(pair, counts);
  CHECK(project.subject_before() == "# of user2@example.com\n");
  CHECK(project.subject_after() == "# of user1@example.com\n");
  CHECK(project.files(0).text() == "them = 'user2@example.com'\n");
}

TEST_CASE("a pair that differs in a secret alone still differs") {
  auto pair = pair_of("h = '93.184.216.34'", "h = '93.184.216.35'");
  CleanCounts counts;
  clean_pair(pair, counts);
  CHECK(pair.buggy() != pair.fixed());
}

TEST_CASE("a pair without anything to hide keeps its id") {
  auto pair = pair_of("x = 'a'", "x = 'b'  # version 1.2.3");
  const auto id = pair.id();
  CleanCounts counts;
  clean_pair(pair, counts);
  CHECK(pair.id() == id);
  CHECK(counts.empty());
}

TEST_CASE("cleaned texts parse as they did") {
  auto checker = syntax::PythonChecker::start({});
  REQUIRE(checker);
  for (const auto& detector : detectors()) {
    CAPTURE(std::string(detector.name));
    auto pair = pair_of("x", detector.example);
    CleanCounts counts;
    clean_pair(pair, counts);
    const std::string_view text = pair.fixed();
    CHECK((*checker)->check(std::span(&text, 1))[0].kind == syntax::Validity::Kind::valid);
  }
}

TEST_CASE("licences are let in by the list, and unknown ones by their own rule") {
  Clean settings;
  CHECK(is_license_allowed("GPL-3.0", settings));
  CHECK(is_license_allowed("", settings));
  settings.add_licenses("MIT");
  settings.add_licenses("CC-BY-SA-*");
  CHECK(is_license_allowed("mit", settings));
  CHECK(is_license_allowed("CC-BY-SA-4.0", settings));
  CHECK_FALSE(is_license_allowed("MIT-0", settings));
  CHECK_FALSE(is_license_allowed("CC-BY-4.0", settings));
  CHECK(is_license_allowed("", settings));
  settings.set_unknown_license("reject");
  CHECK_FALSE(is_license_allowed("", settings));
}

TEST_CASE("a result keeps what is allowed, in order, and says what it turned away") {
  WorkResult result;
  for (const char* license : {"MIT", "GPL-3.0", "MIT"}) *result.add_pairs() = pair_of("x = 'a@acme.de'", "x = 'b@acme.de'", license);
  result.mutable_pairs(2)->set_fixed("y = 1");
  Clean settings;
  settings.add_licenses("MIT");
  clean_result(result, settings);
  REQUIRE(result.pairs_size() == 2);
  CHECK(result.pairs(0).fixed() == "x = 'user1@example.com'");
  CHECK(result.pairs(1).fixed() == "y = 1");
  REQUIRE(result.rejections_size() == 1);
  CHECK(result.rejections(0).reason() == "license_not_allowed");
  CHECK(result.funnel().at("clean.email") == 3);
  CHECK(result.funnel().at("clean.rejected.license_not_allowed") == 1);
  settings.set_replace(false);
  WorkResult untouched;
  *untouched.add_pairs() = pair_of("x = 'a@acme.de'", "x = 'b@acme.de'");
  clean_result(untouched, settings);
  CHECK(untouched.pairs(0).buggy() == "x = 'a@acme.de'");
}
