// Wanted shares of classes, and what the material allows.
#include "actors/mutator/class_mix.hpp"

#include <doctest/doctest.h>

#include "actors/mutator/calibration.hpp"

using namespace mendel::mutator;

namespace {

// Nine functions of ten have no place for the rarest group.
ClassMix usual() {
  ClassMix mix;
  for (int i = 0; i < 600; ++i) mix.add({5, 9, 7, 0});
  for (int i = 0; i < 250; ++i) mix.add({5, 9, 7, 1});
  for (int i = 0; i < 100; ++i) mix.add({3, 0, 2, 0});
  for (int i = 0; i < 50; ++i) mix.add({2, 1, 0, 3});
  return mix;
}

}  // namespace

TEST_CASE("the fitted weights give the wanted shares though groups find places unequally often") {
  const GroupShares wanted = {0.3, 0.4, 0.2, 0.1};
  for (const std::uint32_t per_function : {1u, 2u, 3u}) {
    const auto mix = usual();
    const auto weights = mix.weights(wanted, per_function);
    const auto got = mix.expected(weights, per_function);
    for (std::size_t g = 0; g < kGroups; ++g) CHECK(got[g] == doctest::Approx(wanted[g]).epsilon(0.005));
    CHECK(weights == usual().weights(wanted, per_function));
    CHECK(weights[3] > 0.1);  // rare places are taken more eagerly
  }
}

TEST_CASE("a share that the material does not allow is met as far as it goes, the others keep their proportion") {
  const auto mix = usual();
  const auto got = mix.expected(mix.weights({0.3, 0.2, 0.1, 0.4}, 1), 1);
  CHECK(got[3] == doctest::Approx(0.3).epsilon(0.01));  // all functions that have a place for it
  CHECK(got[0] / got[2] == doctest::Approx(3).epsilon(0.1));
}

TEST_CASE("shares are scaled to one, and no material gives the shares themselves") {
  const auto mix = usual();
  for (std::size_t g = 0; g < kGroups; ++g) CHECK(mix.weights({3, 4, 2, 1}, 2)[g] == doctest::Approx(mix.weights({0.3, 0.4, 0.2, 0.1}, 2)[g]));
  CHECK(ClassMix().weights({0.25, 0.25, 0.5, 0}, 2) == GroupWeights{0.25, 0.25, 0.5, 0});
}

TEST_CASE("a class without a share is never drawn") {
  const auto mix = usual();
  CHECK(mix.expected(mix.weights({0.5, 0.5, 0, 0}, 2), 2)[2] == 0);
}

TEST_CASE("calibrated weights give the kinds in the proportion in which they were mined") {
  Calibration calibration;
  const char* code = "def f(a, b):\n    if a < b and a:\n        return a + b\n    return g(a, b)";
  for (int i = 0; i < 60; ++i) CHECK(calibration.add("wrong_comparison", code));
  for (int i = 0; i < 20; ++i) CHECK(calibration.add("and_or_swap", code));
  CHECK_FALSE(calibration.add("other", code));
  double comparison = 0, swap = 0, operators_sum = 0;
  for (const auto& one : calibration.weights(true)) {
    if (std::string_view(one.row->name) == "wrong_comparison") {
      comparison = one.weight;
      CHECK(one.seen == 60);
      CHECK(one.places == 1);
    }
    if (std::string_view(one.row->name) == "and_or_swap") {
      swap = one.weight;
      CHECK(one.share == 0.25);
    }
    if (group_of(one.row->bug_class) == 1) operators_sum += one.weight;
    CHECK(one.weight > 0);
  }
  CHECK(comparison / swap == doctest::Approx(60.5 / 20.5).epsilon(0.01));
  CHECK(operators_sum > 1);
}

TEST_CASE("a kind that is mined oftener than it finds a place leaves weight to the others") {
  Calibration calibration;
  const char* code = "def f(a, b):\n    if a < b and a:\n        return a + b\n    return g(a, b)";
  for (int i = 0; i < 60; ++i) calibration.add("late_binding", code);
  for (int i = 0; i < 60; ++i) calibration.add("wrong_comparison", code);
  calibration.add("late_binding", "def f(items):\n    return [lambda x=x: x for x in items]");
  for (const auto& one : calibration.weights(true))
    if (std::string_view(one.row->name) == "wrong_comparison") CHECK(one.weight > 0.005);
}
