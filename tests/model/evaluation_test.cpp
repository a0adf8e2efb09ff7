// Thresholds and the validation subset.
#include "torch_doctest.hpp"

#include <limits>

#include "model/evaluation.hpp"
#include "samples.hpp"

using namespace mendel::model;

TEST_CASE("a threshold lets at most its share of the clean functions be edited") {
  std::vector<double> margins;
  for (int i = 0; i < 100; ++i) margins.push_back(i);
  for (const double share : kFalseAlarmShares) {
    const auto threshold = threshold_at(margins, share);
    const auto edited = std::count_if(margins.begin(), margins.end(), [&](double m) { return m <= threshold; });
    CHECK(edited == std::lround(share * 100));
  }
  CHECK(threshold_at({1, 1, 1, 5}, 0.5) < 1);  // equal margins fall together
  CHECK(threshold_at({1, 2}, 1) == std::numeric_limits<double>::max());
}

TEST_CASE("the validation subset is bounded, fixed by the seed, and needs a clean function") {
  const MadeSet set(400);
  const auto subset = ValidationSubset::choose(set, {}, {400, 50, 20}, kTestVocabulary, 7);
  REQUIRE(subset);
  CHECK(subset->size() == 70);
  const auto none = ValidationSubset::choose(MadeSet({made_sample(1, true)}), {}, {400, 50, 20}, kTestVocabulary, 7);
  REQUIRE_FALSE(none);
  CHECK(none.failure().fault == Fault::invalid);
  CHECK(none.failure().what.find("no clean function") != std::string::npos);
}
