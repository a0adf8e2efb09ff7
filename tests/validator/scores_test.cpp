// Difficulty, levels and quality keep their order.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>

#include "actors/validator/difficulty.hpp"
#include "actors/validator/quality.hpp"
#include "tests/validator/samples.hpp"

using namespace mendel;
using namespace mendel::validator;

namespace {

DifficultyInput input_of(std::string_view bug_class, std::uint32_t cells, std::uint32_t inserted) {
  DifficultyInput input;
  input.bug_class = bug_class;
  input.cells = cells;
  input.rows = cells / 10;
  input.edit_inserted = inserted;
  return input;
}

}  // namespace

TEST_CASE("more to read, more to write and less for a parser to see are harder") {
  const double base = difficulty(input_of("logic", 100, 2));
  CHECK(difficulty(input_of("logic", 800, 2)) > base);
  CHECK(difficulty(input_of("logic", 100, 9)) > base);
  CHECK(difficulty(input_of("syntax", 100, 2)) < base);
  CHECK(difficulty(input_of("syntax", 16, 0)) >= 0);
  CHECK(difficulty(input_of("logic", 100000, 100000)) <= 1);
  CHECK(difficulty(DifficultyInput()) >= 0);
}

TEST_CASE("the edit of a clean sample does not count") {
  auto clean = input_of("none", 100, 0), other = input_of("none", 100, 50);
  clean.has_bug = other.has_bug = false;
  CHECK(difficulty(clean) == difficulty(other));
}

TEST_CASE("levels hold 20, 25, 25, 20 and 10 % of distinct scores") {
  std::vector<double> scores;
  for (int i = 0; i < 1000; ++i) scores.push_back(i / 1000.0);
  std::map<std::uint32_t, int> counts;
  for (const auto level : levels(samples::shuffled(scores, 3))) ++counts[level];
  CHECK(counts == std::map<std::uint32_t, int>{{1, 200}, {2, 250}, {3, 250}, {4, 200}, {5, 100}});
}

TEST_CASE("ties go to the lower level, and a score's level does not depend on the order") {
  CHECK(levels({0.5, 0.5, 0.5, 0.5, 0.5}) == std::vector<std::uint32_t>(5, 1));
  CHECK(levels({0.9, 0.1, 0.1, 0.1}) == std::vector<std::uint32_t>{4, 1, 1, 1});
  CHECK(levels({0.1, 0.9, 0.1, 0.1}) == std::vector<std::uint32_t>{1, 4, 1, 1});
  CHECK(levels({}).empty());
}

TEST_CASE("quality lies in 0..1, rises with evidence and falls with the size of the change") {
  QualityInput input;
  input.source = SourceKind::git;
  input.tokens = 100;
  input.changed_tokens = 2;
  input.hunks = 1;
  const double base = quality(input);
  auto other = input;
  other.has_tests = true;
  CHECK(quality(other) > base);
  other = input;
  other.changed_tokens = 60;
  CHECK(quality(other) < base);
  other = input;
  other.hunks = 4;
  CHECK(quality(other) < base);
  other = input;
  other.tokens = 10;
  CHECK(quality(other) < base);
  other = input;
  other.source = SourceKind::stackoverflow;
  CHECK(quality(other) < base);
  CHECK(quality(QualityInput()) >= 0);
  other = {SourceKind::linter, BugClass::none, true, true, 100, 0, 0};
  CHECK(quality(other) <= 1);
}
