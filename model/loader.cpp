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

Loader::Loader(const SampleSet& set, std::uint64_t seed, std::uint32_t cells_per_batch, std::uint32_t cells_max)
    : set_(set), seed_(seed), cells_per_batch_(cells_per_batch) {
  for (std::uint64_t i = 0; i < set_.size(); ++i)
    if (const auto cells = set_.cells(i); cells <= cells_max) {
      indices_.push_back(i);
      cells_.push_back(cells);
    }
}

void Loader::plan(std::uint64_t epoch) {
  std::vector<std::size_t> order(indices_.size());
  std::iota(order.begin(), order.end(), 0);
  std::vector<std::uint64_t> keys(order.size());
  for (const auto i : order) keys[i] = mix_hash(seed_, 2 * epoch, indices_[i]);
  std::sort(order.begin(), order.end(), [&](auto a, auto b) { return std::pair(keys[a], a) < std::pair(keys[b], b); });
  batches_.clear();
  for (std::size_t first = 0; first < order.size(); first += kWindow) {
    const auto end = std::min(order.size(), first + kWindow);
    std::stable_sort(order.begin() + static_cast<std::ptrdiff_t>(first), order.begin() + static_cast<std::ptrdiff_t>(end),
                     [&](auto a, auto b) { return cells_[a] < cells_[b]; });
    std::vector<std::vector<std::uint64_t>> window(1);
    for (auto i = first; i < end; ++i) {
      auto* batch = &window.back();
      if (!batch->empty() && std::uint64_t{cells_[order[i]]} * (batch->size() + 1) > cells_per_batch_) batch = &window.emplace_back();
      batch->push_back(indices_[order[i]]);
    }
    std::sort(window.begin(), window.end(), [&](const auto& a, const auto& b) {
      return std::pair(mix_hash(seed_, 2 * epoch + 1, a.front()), a.front()) < std::pair(mix_hash(seed_, 2 * epoch + 1, b.front()), b.front());
    });
    std::move(window.begin(), window.end(), std::back_inserter(batches_));
  }
  planned_epoch_ = epoch;
}

std::vector<std::uint64_t> Loader::next(LoaderPosition& position) {
  if (planned_epoch_ != position.epoch) plan(position.epoch);
  if (position.batch >= batches_.size()) {
    position = {position.epoch + 1, 0};
    plan(position.epoch);
  }
  return batches_[position.batch++];
}

}  // namespace mendel::model
