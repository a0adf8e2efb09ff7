// Epochs in hashed order, windows sorted by length, batches bounded by cells.
#include "loader.hpp"

#include <algorithm>
#include <numeric>

namespace mendel::model {
namespace {

constexpr std::size_t kWindow = 2048;  // samples that are sorted by length together

std::uint64_t scramble(std::uint64_t x) {  // the finaliser of SplitMix64
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
  return x ^ (x >> 31);
}

}  // namespace

std::uint64_t mix_hash(std::uint64_t seed, std::uint64_t stream, std::uint64_t index) {
  constexpr std::uint64_t kStep = 0x9e3779b97f4a7c15ull;
  return scramble(scramble(scramble(seed + kStep) + stream + kStep) + index + kStep);
}

Loader::Loader(const SampleSet& set, std::uint64_t seed, const BatchLimits& limits, const std::vector<std::uint64_t>& subset)
    : set_(set), seed_(seed), limits_(limits) {
  const auto add = [&](std::uint64_t i) {
    if (const auto cells = set_.cells(i); cells <= limits_.cells_max) {
      indices_.push_back(i);
      cells_.push_back(cells);
    }
  };
  for (const auto i : subset) add(i);
  for (std::uint64_t i = 0; subset.empty() && i < set_.size(); ++i) add(i);
}

void Loader::plan(std::uint64_t epoch) {
  std::vector<std::size_t> order(indices_.size());
  std::iota(order.begin(), order.end(), 0);
  std::vector<std::uint64_t> keys(order.size());
  for (const auto i : order) keys[i] = mix_hash(seed_, 2 * epoch, indices_[i]);
  std::sort(order.begin(), order.end(), [&](auto a, auto b) { return std::pair(keys[a], a) < std::pair(keys[b], b); });
  batches_.clear();
  if (limits_.samples > 0) plan_by_samples(order);
  else plan_by_cells(epoch, std::move(order));
  planned_epoch_ = epoch;
}

// Neighbours in length stand together inside a batch, so that its parts have little padding.
void Loader::plan_by_samples(const std::vector<std::size_t>& order) {
  for (std::size_t first = 0; first < order.size(); first += limits_.samples) {
    std::vector<std::size_t> some(order.begin() + static_cast<std::ptrdiff_t>(first),
                                  order.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(order.size(), first + limits_.samples)));
    std::stable_sort(some.begin(), some.end(), [&](auto a, auto b) { return cells_[a] < cells_[b]; });
    auto& batch = batches_.emplace_back();
    for (const auto i : some) batch.push_back(indices_[i]);
  }
}

void Loader::plan_by_cells(std::uint64_t epoch, std::vector<std::size_t> order) {
  for (std::size_t first = 0; first < order.size(); first += kWindow) {
    const auto end = std::min(order.size(), first + kWindow);
    std::stable_sort(order.begin() + static_cast<std::ptrdiff_t>(first), order.begin() + static_cast<std::ptrdiff_t>(end),
                     [&](auto a, auto b) { return cells_[a] < cells_[b]; });
    std::vector<std::vector<std::uint64_t>> window(1);
    for (auto i = first; i < end; ++i) {
      auto* batch = &window.back();
      if (!batch->empty() && std::uint64_t{cells_[order[i]]} * (batch->size() + 1) > limits_.cells) batch = &window.emplace_back();
      batch->push_back(indices_[order[i]]);
    }
    std::sort(window.begin(), window.end(), [&](const auto& a, const auto& b) {
      return std::pair(mix_hash(seed_, 2 * epoch + 1, a.front()), a.front()) < std::pair(mix_hash(seed_, 2 * epoch + 1, b.front()), b.front());
    });
    std::move(window.begin(), window.end(), std::back_inserter(batches_));
  }
}

std::uint64_t Loader::batches(std::uint64_t epoch) {
  if (planned_epoch_ != epoch) plan(epoch);
  return batches_.size();
}

std::vector<std::uint64_t> Loader::next(LoaderPosition& position) {
  if (position.batch >= batches(position.epoch)) {
    position = {position.epoch + 1, 0};
    plan(position.epoch);
  }
  return batches_[position.batch++];
}

}  // namespace mendel::model
