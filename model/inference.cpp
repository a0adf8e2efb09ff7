// Batches of samples through a network, spread over the workers.
#include "inference.hpp"

#include <algorithm>
#include <numeric>

#include "memory.hpp"

namespace mendel::model {
namespace {

constexpr std::size_t kCellsPerBatch = 4000, kCellsPerBatchOfGpu = 1 << 17;
constexpr std::size_t kEditsPerBatch = 1024;  // bounds the vocabulary's probabilities, one row an edit

}  // namespace

std::vector<std::vector<Proposal>> propose_all(const Network& network, std::span<const Sample> samples, std::uint32_t candidates, Workers& workers,
                                               const Probe& probe) {
  std::vector<std::size_t> order(samples.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return samples[a].cells.size() < samples[b].cells.size(); });
  std::vector<std::vector<std::size_t>> batches;
  const auto device = network.parameters().device();
  const auto cells_max = device.is_cpu() ? kCellsPerBatch : kCellsPerBatchOfGpu;
  const std::size_t most = std::max<std::size_t>(1, kEditsPerBatch / (2 * std::size_t{candidates}));
  for (const auto i : order) {
    const auto cells = samples[i].cells.size();
    if (batches.empty() || batches.back().size() == most || cells * (batches.back().size() + 1) > cells_max) batches.emplace_back();
    batches.back().push_back(i);
  }
  std::vector<std::vector<Proposal>> out(samples.size());
  workers.run(batches.size(), [&](std::size_t b) {
    in_parts_that_fit<std::size_t>(batches[b], device, [&](std::span<std::size_t> indices) {
      std::vector<Sample> part;
      for (const auto i : indices) part.push_back(samples[i]);
      auto answers = network.propose(part, candidates, probe);
      for (std::size_t k = 0; k < part.size(); ++k) out[indices[k]] = std::move(answers[k]);
    });
  });
  return out;
}

}  // namespace mendel::model
