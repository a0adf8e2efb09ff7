// Thresholds on clean functions, exact repairs on bugs, of a fixed subset of the validation set.
#include "evaluation.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "loader.hpp"

namespace mendel::model {
namespace {

constexpr std::uint64_t kSubsetStream = UINT64_MAX;  // of the hash; epochs of the loader use the small numbers

}  // namespace

double threshold_at(std::vector<double> clean_margins, double share) {
  std::sort(clean_margins.begin(), clean_margins.end());
  // The small addend undoes the rounding of share * count, as in 0.29 * 100 = 28.999...
  const auto allowed = static_cast<std::size_t>(std::floor(share * static_cast<double>(clean_margins.size()) + 1e-9));
  if (allowed >= clean_margins.size()) return std::numeric_limits<double>::max();
  return std::nextafter(clean_margins[allowed], -std::numeric_limits<double>::infinity());
}

Expected<ValidationSubset> ValidationSubset::choose(const SampleSet& set, const Limits& limits, std::uint32_t vocabulary, std::uint64_t seed) {
  std::vector<std::uint64_t> order(set.size()), keys(set.size());
  std::iota(order.begin(), order.end(), 0);
  for (const auto i : order) keys[i] = mix_hash(seed, kSubsetStream, i);
  std::sort(order.begin(), order.end(), [&](auto a, auto b) { return std::pair(keys[a], a) < std::pair(keys[b], b); });
  ValidationSubset out;
  std::uint32_t bugs = 0, clean = 0;
  for (const auto i : order) {
    if (bugs == limits.bugs_max && clean == limits.clean_max) break;
    if (set.cells(i) > limits.cells_max) continue;
    auto sample = set.sample(i);
    auto& count = sample.edit ? bugs : clean;
    if (count == (sample.edit ? limits.bugs_max : limits.clean_max)) continue;
    if (const auto why = sample_fault(sample, vocabulary); !why.empty())
      return Failure{Fault::invalid, "validation sample " + std::to_string(i) + " " + why + "; build the dataset again with this vocabulary"};
    ++count;
    out.samples_.push_back(std::move(sample));
  }
  if (clean == 0)
    return Failure{Fault::invalid, "the validation set has no clean function of at most " + std::to_string(limits.cells_max) +
                                       " cells; thresholds need some: add clean pairs or raise cells_max"};
  return out;
}

Evaluation ValidationSubset::evaluate(const Network& network, Workers& workers) const {
  const auto answers = propose_all(network, samples_, 1, workers);
  std::vector<double> clean_margins, fixed_margins;
  std::size_t bugs = 0;
  for (std::size_t i = 0; i < samples_.size(); ++i) {
    const auto& best = answers[i].front();
    if (!samples_[i].edit) clean_margins.push_back(best.margin);
    bugs += samples_[i].edit ? 1 : 0;
    if (samples_[i].edit && same_repair(samples_[i].cells, best.edit, *samples_[i].edit)) fixed_margins.push_back(best.margin);
  }
  const auto share = [&](double threshold) {
    const auto count = std::count_if(fixed_margins.begin(), fixed_margins.end(), [&](double m) { return m <= threshold; });
    return bugs == 0 ? 0.0 : static_cast<double>(count) / static_cast<double>(bugs);
  };
  Evaluation out;
  for (const double s : kFalseAlarmShares) out.thresholds[s] = threshold_at(clean_margins, s);
  out.point.exact_always = share(std::numeric_limits<double>::max());
  out.point.exact_at_5 = share(out.thresholds[0.05]);
  out.point.exact_at_10 = share(out.thresholds[0.1]);
  out.point.exact_at_20 = share(out.thresholds[0.2]);
  return out;
}

}  // namespace mendel::model
