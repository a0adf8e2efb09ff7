// Iterative proportional fitting over the mined functions.
#include "actors/mutator/calibration.hpp"

#include <algorithm>
#include <numeric>

#include "actors/mutator/class_mix.hpp"

namespace mendel::mutator {
namespace {

constexpr int kRounds = 100;
constexpr double kPrior = 0.5;  // sightings that each kind gets for nothing
constexpr double kWeightMin = 1e-3, kWeightMax = 1e3;
constexpr double kReachMax = 0.6;  // of the functions with a place: a kind that people make oftener than it finds one would take all weight

// Fits the weights of the operators in `group`, those of the others are left alone.
void fit(const std::vector<std::vector<std::uint16_t>>& places, const std::vector<std::uint16_t>& group, const std::vector<std::uint64_t>& seen,
         std::vector<double>& weights) {
  std::vector<bool> member(weights.size());
  double wanted_total = 0;
  for (const auto o : group) member[o] = true, wanted_total += static_cast<double>(seen[o]) + kPrior;
  std::vector<double> with_place(weights.size());
  for (const auto& function : places)
    for (const auto o : function) ++with_place[o];
  for (int round = 0; round < kRounds; ++round) {
    std::vector<double> expected(weights.size());
    double functions = 0;
    for (const auto& function : places) {
      double total = 0;
      for (const auto o : function)
        if (member[o]) total += weights[o];
      if (total == 0) continue;
      ++functions;
      for (const auto o : function)
        if (member[o]) expected[o] += weights[o] / total;
    }
    double sum = 0;
    for (const auto o : group) {
      const double wanted = std::min((static_cast<double>(seen[o]) + kPrior) / wanted_total * functions, kReachMax * with_place[o]);
      if (expected[o] > 0) weights[o] *= wanted / expected[o];
      sum += weights[o];
    }
    for (const auto o : group) weights[o] = std::clamp(weights[o] * static_cast<double>(group.size()) / sum, kWeightMin, kWeightMax);
  }
}

}  // namespace

Calibration::Calibration() : seen_(operators().size()) {}

bool Calibration::add(std::string_view type, std::string_view fixed) {
  const FunctionView view(fixed);
  auto& places = places_.emplace_back();
  bool known = false;
  Splices splices;
  for (std::size_t o = 0; o < operators().size(); ++o) {
    const auto& row = operators()[o];
    splices.clear();
    row.find(view, splices);
    if (!splices.empty()) places.push_back(static_cast<std::uint16_t>(o));
    if (type != row.name) continue;
    ++seen_[o];
    known = true;
  }
  return known;
}

std::vector<CalibratedWeight> Calibration::weights(bool by_class) const {
  std::vector<double> weights(seen_.size(), 1), with_place(seen_.size());
  for (const auto& function : places_)
    for (const auto o : function) ++with_place[o];
  for (std::size_t g = 0; g < (by_class ? kGroups : 1); ++g) {
    std::vector<std::uint16_t> group;
    for (std::size_t o = 0; o < seen_.size(); ++o)
      if (!by_class || group_of(operators()[o].bug_class) == g) group.push_back(static_cast<std::uint16_t>(o));
    fit(places_, group, seen_, weights);
  }
  const auto all = std::max(1.0, static_cast<double>(std::accumulate(seen_.begin(), seen_.end(), std::uint64_t{0})));
  const auto functions = std::max(1.0, static_cast<double>(places_.size()));
  std::vector<CalibratedWeight> out;
  for (std::size_t o = 0; o < seen_.size(); ++o)
    out.push_back({&operators()[o], seen_[o], static_cast<double>(seen_[o]) / all, with_place[o] / functions, weights[o]});
  return out;
}

}  // namespace mendel::mutator
