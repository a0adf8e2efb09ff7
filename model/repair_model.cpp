// RepairModel on a checkpoint.
#include "repair_model.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <thread>

#include "checkpoint.hpp"
#include "faults.hpp"
#include "inference.hpp"

namespace mendel::model {
namespace {

class LoadedModel : public RepairModel {
 public:
  explicit LoadedModel(Checkpoint checkpoint)
      : checkpoint_(std::move(checkpoint)), workers_(checkpoint_.network->parameters().operations() ? 1 : std::max(1u, std::thread::hardware_concurrency())) {}

  Expected<std::vector<std::vector<Proposal>>> propose(std::span<const Sample> samples, std::uint32_t candidates) override {
    if (candidates == 0 || candidates > kCandidatesMax)
      return Failure{Fault::invalid, "candidates is " + std::to_string(candidates) + "; allowed is 1 to " + std::to_string(kCandidatesMax)};
    if (auto why = fault(samples)) return std::move(*why);
    return guarded([&]() -> Expected<std::vector<std::vector<Proposal>>> { return propose_all(*checkpoint_.network, samples, candidates, workers_); });
  }

  Expected<std::vector<Proposal>> probe(std::span<const Sample> samples, const Probe& probe) override {
    const bool machine = settings().ctm.neurons > 0;
    if (probe.synchronisation != Probe::Synchronisation::own && !machine)
      return Failure{Fault::invalid, settings().name + " has no synchronisation to probe; give a checkpoint of a CTM"};
    if (auto why = fault(samples)) return std::move(*why);
    return guarded([&]() -> Expected<std::vector<Proposal>> {
      std::vector<Proposal> out;
      for (auto& proposals : propose_all(*checkpoint_.network, samples, 1, workers_, probe)) out.push_back(std::move(proposals.front()));
      return out;
    });
  }

  const ModelSettings& settings() const override { return checkpoint_.network->settings(); }
  const Thresholds& thresholds() const override { return checkpoint_.thresholds; }
  const std::map<std::string, std::string>& facts() const override { return checkpoint_.facts; }
  std::uint64_t parameters() const override { return static_cast<std::uint64_t>(checkpoint_.network->parameters().count()); }

 private:
  std::optional<Failure> fault(std::span<const Sample> samples) const {
    for (std::size_t i = 0; i < samples.size(); ++i)
      if (const auto why = sample_fault(samples[i], settings().vocabulary); !why.empty())
        return Failure{Fault::invalid, "sample " + std::to_string(i) + " " + why + "; encode it with the model's own tokenizer"};
    return std::nullopt;
  }

  static constexpr std::uint32_t kCandidatesMax = 256;
  Checkpoint checkpoint_;
  Workers workers_;
};

}  // namespace

double threshold_at(std::vector<double> clean_margins, double share) {
  std::sort(clean_margins.begin(), clean_margins.end());
  // The small addend undoes the rounding of share * count, as in 0.29 * 100 = 28.999...
  const auto allowed = static_cast<std::size_t>(std::floor(share * static_cast<double>(clean_margins.size()) + 1e-9));
  if (allowed >= clean_margins.size()) return std::numeric_limits<double>::max();
  return std::nextafter(clean_margins[allowed], -std::numeric_limits<double>::infinity());
}

Expected<std::unique_ptr<RepairModel>> RepairModel::load(const std::filesystem::path& checkpoint, const std::string& device) {
  return guarded([&]() -> Expected<std::unique_ptr<RepairModel>> {
    const auto compute = find_compute(device);
    if (!compute) return compute.failure();
    auto read = read_checkpoint(checkpoint, *compute);
    if (!read) return read.failure();
    return std::unique_ptr<RepairModel>(std::make_unique<LoadedModel>(std::move(*read)));
  });
}

Expected<std::vector<Proposal>> RepairModel::probe(std::span<const Sample>, const Probe&) {
  return Failure{Fault::invalid, settings().name + " has no part to probe"};
}

double RepairModel::threshold(double false_alarms) const {
  const auto& known = thresholds();
  auto at = known.upper_bound(false_alarms);
  // Below the smallest share nothing is sure enough.
  if (at == known.begin()) return -std::numeric_limits<double>::infinity();
  return std::prev(at)->second;
}

}  // namespace mendel::model
