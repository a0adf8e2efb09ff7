// Windows of blocks in hashed order, samples in hashed order, runs of them sorted by length, batches bounded by cells.
#include "loader.hpp"

#include <algorithm>
#include <numeric>

namespace mendel::model {
namespace {

constexpr std::size_t kRun = 2048;  // samples that are sorted by length together
constexpr std::uint64_t kBlockStream = std::uint64_t{1} << 32;  // of the hash, and one an epoch; samples have the small numbers

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

Loader::Loader(const SampleSource& source, std::uint64_t seed, const BatchLimits& limits, std::span<const std::uint64_t> subset)
    : source_(source), seed_(seed), limits_(limits), subset_(subset), sizes_(source.blocks()), begins_(sizes_.size() + 1) {
  std::partial_sum(sizes_.begin(), sizes_.end(), begins_.begin() + 1);
  at_once_ = std::clamp<std::uint64_t>(source.blocks_held_max(), 1, std::max<std::size_t>(1, sizes_.size()));
  chosen_ = subset.empty() ? begins_.back() : subset.size();
}

Loader::~Loader() { stop_ = true; }

LoaderPosition Loader::following(const LoaderPosition& position) const {
  if (position.window + 1 < windows()) return {position.epoch, 0, position.window + 1};
  return {position.epoch + 1, 0, 0};
}

std::vector<std::uint64_t> Loader::order_of(std::uint64_t epoch) const {
  std::vector<std::uint64_t> order(sizes_.size());
  std::iota(order.begin(), order.end(), 0);
  const auto key = [&](std::uint64_t block) { return std::pair(mix_hash(seed_, kBlockStream + epoch, block), block); };
  std::sort(order.begin(), order.end(), [&](auto a, auto b) { return key(a) < key(b); });
  return order;
}

std::span<const std::uint64_t> Loader::in_window(std::span<const std::uint64_t> order, std::uint64_t window) const {
  const auto first = std::min<std::uint64_t>(order.size(), window * at_once_);
  return order.subspan(first, std::min<std::uint64_t>(order.size() - first, at_once_));
}

std::uint64_t Loader::chosen_in(std::uint64_t block) const {
  if (subset_.empty()) return sizes_[block];
  const auto before = [&](std::uint64_t index) { return std::lower_bound(subset_.begin(), subset_.end(), index); };
  return static_cast<std::uint64_t>(before(begins_[block + 1]) - before(begins_[block]));
}

// On whichever thread.
Expected<Loader::Window> Loader::read(std::uint64_t epoch, std::uint64_t number) const {
  Window out{epoch, number, {}};
  const auto order = order_of(epoch);
  const auto drawn = in_window(order, number);
  std::vector<std::uint64_t> blocks(drawn.begin(), drawn.end());
  std::sort(blocks.begin(), blocks.end());
  for (const auto b : blocks) {
    if (stop_) break;
    if (chosen_in(b) == 0) continue;
    auto samples = source_.read(b);
    if (!samples) return samples.failure();
    out.blocks.push_back({begins_[b], std::move(*samples)});
  }
  return out;
}

void Loader::read_ahead(const LoaderPosition& position) {
  ahead_of_ = position;
  ahead_ = std::async(std::launch::async, [this, position] { return read(position.epoch, position.window); });
}

void Loader::take(Window window) {
  window_ = std::move(window);
  indices_.clear();
  cells_.clear();
  for (const auto& [first, samples] : window_.blocks) {
    const auto add = [&](std::uint64_t i) {
      if (const auto cells = samples->cells(i - first); cells <= limits_.cells_max) {
        indices_.push_back(i);
        cells_.push_back(cells);
      }
    };
    const auto end = first + samples->size();
    for (auto i = first; subset_.empty() && i < end; ++i) add(i);
    for (auto at = std::lower_bound(subset_.begin(), subset_.end(), first); at != subset_.end() && *at < end; ++at) add(*at);
  }
}

Expected<bool> Loader::hold(const LoaderPosition& at) {
  if (window_.epoch == at.epoch && window_.number == at.window) return true;
  if (windows() > 1 || window_.epoch == UINT64_MAX) {
    const bool expected = ahead_.valid() && ahead_of_.epoch == at.epoch && ahead_of_.window == at.window;
    if (!expected && ahead_.valid()) ahead_.wait();
    // What is held goes first, so that there are never three windows.
    if (!expected) take({});
    auto window = expected ? ahead_.get() : read(at.epoch, at.window);
    if (!window) return window.failure();
    take(std::move(*window));
    if (windows() > 1) read_ahead(following(at));
  }
  window_.epoch = at.epoch;
  plan(at.epoch);
  if (windows() == 1 && batches_.empty()) return nothing_fits();
  share_before_ = 0;
  share_ = 1;
  if (windows() == 1) return true;
  const auto order = order_of(at.epoch);
  const auto share = [&](std::uint64_t window) {
    std::uint64_t samples = 0;
    for (const auto b : in_window(order, window)) samples += chosen_in(b);
    return static_cast<double>(samples) / static_cast<double>(chosen_);
  };
  for (std::uint64_t w = 0; w < at.window; ++w) share_before_ += share(w);
  share_ = share(at.window);
  return true;
}

double Loader::epoch_share(const LoaderPosition& at) const {
  if (batches_.empty()) return share_before_;
  return std::min(1.0, share_before_ + share_ * (static_cast<double>(at.batch) / static_cast<double>(batches_.size())));
}

bool Loader::epoch_over(const LoaderPosition& at) const { return at.window + 1 >= windows() && at.batch >= batches_.size(); }

Failure Loader::nothing_fits() const {
  return {Fault::invalid, "no training sample has at most " + std::to_string(limits_.cells_max) + " cells; raise cells_max"};
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
  for (std::size_t first = 0; first < order.size(); first += kRun) {
    const auto end = std::min(order.size(), first + kRun);
    std::stable_sort(order.begin() + static_cast<std::ptrdiff_t>(first), order.begin() + static_cast<std::ptrdiff_t>(end),
                     [&](auto a, auto b) { return cells_[a] < cells_[b]; });
    std::vector<std::vector<std::uint64_t>> run(1);
    for (auto i = first; i < end; ++i) {
      auto* batch = &run.back();
      if (!batch->empty() && std::uint64_t{cells_[order[i]]} * (batch->size() + 1) > limits_.cells) batch = &run.emplace_back();
      batch->push_back(indices_[order[i]]);
    }
    std::sort(run.begin(), run.end(), [&](const auto& a, const auto& b) {
      return std::pair(mix_hash(seed_, 2 * epoch + 1, a.front()), a.front()) < std::pair(mix_hash(seed_, 2 * epoch + 1, b.front()), b.front());
    });
    std::move(run.begin(), run.end(), std::back_inserter(batches_));
  }
}

Expected<std::vector<std::uint64_t>> Loader::next(LoaderPosition& position) {
  if (auto held = hold(position); !held) return held.failure();
  for (std::uint64_t passed = 0; position.batch >= batches_.size(); ++passed) {
    if (passed > windows()) return nothing_fits();
    position = following(position);
    if (auto held = hold(position); !held) return held.failure();
  }
  return batches_[position.batch++];
}

Sample Loader::sample(std::uint64_t index) const {
  const auto after = std::upper_bound(window_.blocks.begin(), window_.blocks.end(), index, [](std::uint64_t i, const Block& b) { return i < b.first; });
  const auto& block = *std::prev(after);
  return block.samples->sample(index - block.first);
}

}  // namespace mendel::model
