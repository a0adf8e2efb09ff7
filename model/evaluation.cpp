// Thresholds on clean functions, exact repairs on bugs, of a fixed subset of the validation set.
#include "evaluation.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <c10/core/GradMode.h>

#include "gradient.hpp"
#include "loader.hpp"
#include "memory.hpp"

namespace mendel::model {
namespace {

constexpr std::size_t kBins = 10;
constexpr std::uint32_t kCellsPerLoss = 2500, kCellsPerLossOfGpu = 1 << 16;
constexpr std::uint64_t kSubsetStream = UINT64_MAX;  // of the hash; epochs of the loader use the small numbers

}  // namespace

Expected<ValidationSubset> ValidationSubset::choose(const SampleSet& set, const std::vector<std::string>& classes, const Limits& limits, std::uint32_t vocabulary,
                                                     std::uint64_t seed) {
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
    if (!classes.empty()) out.classes_.push_back(classes[i]);
  }
  if (clean == 0)
    return Failure{Fault::invalid, "the validation set has no clean function of at most " + std::to_string(limits.cells_max) +
                                       " cells; thresholds need some: add clean pairs or raise cells_max"};
  return out;
}

double calibration_error(std::span<const std::pair<double, bool>> believed) {
  struct Bin {
    double belief = 0, right = 0;
  } bins[kBins];
  for (const auto& [p, right] : believed) {
    auto& bin = bins[std::min(kBins - 1, static_cast<std::size_t>(p * kBins))];
    bin.belief += p;
    bin.right += right ? 1 : 0;
  }
  double sum = 0;
  for (const auto& bin : bins) sum += std::abs(bin.belief - bin.right);
  return believed.empty() ? 0 : sum / static_cast<double>(believed.size());
}

double ValidationSubset::mean_loss(const Network& network, Workers& workers) const {
  std::vector<Sample> learnt;
  for (const auto& s : samples_)
    if (learnable(s)) learnt.push_back(s);
  if (learnt.empty()) return 0;
  std::stable_sort(learnt.begin(), learnt.end(), [](const auto& a, const auto& b) { return a.cells.size() < b.cells.size(); });
  const auto device = network.parameters().device();
  const auto parts = cut(learnt, device.is_cpu() ? kCellsPerLoss : kCellsPerLossOfGpu);
  std::vector<double> sums(parts.size());
  workers.run(parts.size(), [&](std::size_t i) {
    in_parts_that_fit<const Sample>(parts[i], device, [&](std::span<const Sample> part) {
      const c10::NoGradGuard no_grad;
      const auto loss = network.loss(part);
      for (const auto& t : {loss.start, loss.end, loss.tokens, loss.halt}) sums[i] += t.defined() ? t.item<double>() : 0;
    });
  });
  return std::accumulate(sums.begin(), sums.end(), 0.0) / static_cast<double>(learnt.size());
}

Evaluation ValidationSubset::evaluate(const Network& network, Workers& workers) const {
  const auto answers = propose_all(network, samples_, 1, workers);
  std::vector<double> clean_margins, fixed_margins;
  std::vector<std::pair<double, bool>> believed;
  std::vector<bool> fixed(samples_.size());
  std::size_t bugs = 0;
  for (std::size_t i = 0; i < samples_.size(); ++i) {
    const auto& best = answers[i].front();
    if (!samples_[i].edit) clean_margins.push_back(best.margin);
    bugs += samples_[i].edit ? 1 : 0;
    fixed[i] = samples_[i].edit && same_repair(samples_[i].cells, best.edit, *samples_[i].edit);
    if (fixed[i]) fixed_margins.push_back(best.margin);
    believed.emplace_back(std::exp(std::min(0.0, best.log_probability)), fixed[i]);
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
  out.point.validation_loss = mean_loss(network, workers);
  out.point.calibration_error = calibration_error(believed);
  for (std::size_t i = 0; i < classes_.size(); ++i) {
    if (!samples_[i].edit) continue;
    auto& own = out.point.classes[classes_[i]];
    ++own.bugs;
    own.exact += fixed[i] ? 1 : 0;
    own.detected += answers[i].front().margin <= out.thresholds[0.1] ? 1 : 0;
  }
  for (auto& [name, own] : out.point.classes) {
    own.exact /= static_cast<double>(own.bugs);
    own.detected /= static_cast<double>(own.bugs);
  }
  return out;
}

}  // namespace mendel::model
