// Clusters, duplicates and splits do not depend on the order of arrival.
#include <doctest/doctest.h>

#include <map>
#include <set>

#include "tests/validator/samples.hpp"

using namespace mendel;
using namespace mendel::validator;
using samples::candidate_of;
using samples::function_of;
using samples::id_of;
using samples::shuffled;

namespace {

bool equal(const std::vector<Decision>& a, const std::vector<Decision>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Decision& x, const Decision& y) {
    return x.id == y.id && x.cluster == y.cluster && x.accepted == y.accepted && x.reason == y.reason && x.detail == y.detail && x.split == y.split;
  });
}

// 40 packages of 10 functions with 3 bugs each, some functions copied into other packages.
std::vector<Candidate> plant() {
  std::vector<Candidate> out;
  std::uint64_t n = 0;
  for (int package = 0; package < 40; ++package)
    for (int function = 0; function < 10; ++function) {
      const int body = function == 0 ? package / 4 : 100 + package * 10 + function;
      for (std::uint64_t bug = 1; bug <= 3; ++bug)
        out.push_back(candidate_of(n++, function_of(body), bug * 7 + static_cast<std::uint64_t>(body), "package" + std::to_string(package)));
    }
  return out;
}

}  // namespace

TEST_CASE("all mutants of one function stay, for their changes differ") {
  const auto text = function_of(1);
  const auto decisions = reduce({candidate_of(1, text, 11, "a"), candidate_of(2, text, 12, "a"), candidate_of(3, text, 13, "a")}, {});
  for (const auto& decision : decisions) {
    CHECK(decision.accepted);
    CHECK(decision.cluster == decisions[0].id);  // ascending: the smallest id names the cluster
  }
}

TEST_CASE("of equal changes in near-duplicates the smallest id stays, and the other names it") {
  const auto decisions = reduce({candidate_of(1, function_of(1), 11, "a"), candidate_of(2, function_of(1), 11, "b")}, {});
  CHECK(decisions[0].id < decisions[1].id);
  CHECK(decisions[0].accepted);
  CHECK_FALSE(decisions[1].accepted);
  CHECK(decisions[1].reason == "duplicate");
  CHECK(decisions[1].detail.find(decisions[0].id.hex()) != std::string::npos);
}

TEST_CASE("equal changes in unlike functions are two pairs") {
  for (const auto& decision : reduce({candidate_of(1, function_of(1), 11, "a"), candidate_of(2, function_of(2), 11, "a")}, {})) CHECK(decision.accepted);
}

TEST_CASE("one clean sample of a cluster stays, beside its bugs") {
  auto clean = candidate_of(1, function_of(1), 0, "a"), again = candidate_of(2, function_of(1), 0, "b");
  clean.has_bug = again.has_bug = false;
  std::size_t accepted = 0;
  for (const auto& decision : reduce({clean, again, candidate_of(3, function_of(1), 11, "a")}, {})) accepted += decision.accepted;
  CHECK(accepted == 2);
}

TEST_CASE("a pair that comes twice is decided once") {
  const auto one = candidate_of(1, function_of(1), 11, "a");
  CHECK(reduce({one, one}, {}).size() == 1);
  CHECK(reduce({}, {}).empty());
}

TEST_CASE("decisions do not depend on the order of the candidates") {
  const auto candidates = plant();
  const auto wanted = reduce(candidates, {});
  for (std::uint64_t seed = 1; seed <= 5; ++seed) CHECK(equal(reduce(shuffled(candidates, seed), {}), wanted));
}

TEST_CASE("neither group nor cluster of what is kept lies in two splits") {
  const auto candidates = plant();
  std::map<PairId, std::string> groups;
  for (const auto& candidate : candidates) groups[candidate.id] = candidate.group;
  for (const std::uint64_t seed : {7u, 8u, 9u}) {
    ReduceOptions options;
    options.seed = seed;
    std::map<std::string, std::set<Split>> of_group;
    std::map<PairId, std::set<Split>> of_cluster;
    std::map<Split, std::size_t> sizes;
    std::size_t kept = 0;
    for (const auto& decision : reduce(candidates, options)) {
      if (!decision.accepted) continue;
      ++kept;
      ++sizes[decision.split];
      of_group[groups[decision.id]].insert(decision.split);
      of_cluster[decision.cluster].insert(decision.split);
    }
    for (const auto& [group, splits] : of_group) CHECK(splits.size() == 1);
    for (const auto& [cluster, splits] : of_cluster) CHECK(splits.size() == 1);
    CHECK(kept > 1000);
    CHECK(static_cast<double>(sizes[Split::test]) / static_cast<double>(kept) == doctest::Approx(0.05).epsilon(0.6));
    CHECK(static_cast<double>(sizes[Split::validation]) / static_cast<double>(kept) == doctest::Approx(0.05).epsilon(0.6));
  }
}

TEST_CASE("another seed holds out other groups") {
  ReduceOptions other;
  other.seed = 8;
  CHECK_FALSE(equal(reduce(plant(), {}), reduce(plant(), other)));
}

TEST_CASE("shares of nothing leave everything in training") {
  ReduceOptions options;
  options.validation_share = options.test_share = 0;
  for (const auto& decision : reduce(plant(), options)) {
    CHECK(decision.split == Split::train);
    CHECK(decision.reason != "leak_across_splits");
  }
}
