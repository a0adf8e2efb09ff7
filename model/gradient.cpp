// Parts of a batch on workers and partners, their sum in the order of a tree.
#include "gradient.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>

#include "memory.hpp"

namespace mendel::model {
namespace {

constexpr std::uint32_t kCellsPerPartMin = 16, kCellsPerPartMax = 1 << 24;
constexpr std::uint32_t kCellsOnTrial = 4096;
constexpr double kShareOfFree = 0.8;
constexpr double kMiB = 1 << 20;

// With the padding to its longest sample.
std::size_t padded_cells(std::span<const Sample> part) {
  std::size_t longest = 0;
  for (const auto& s : part) longest = std::max(longest, s.cells.size());
  return longest * part.size();
}

std::span<const Sample> largest_of(const std::vector<std::span<const Sample>>& parts) {
  return *std::max_element(parts.begin(), parts.end(), [](const auto& a, const auto& b) { return padded_cells(a) < padded_cells(b); });
}

std::size_t first_half(std::size_t count) { return (count + 1) / 2; }

void count_sums(std::size_t first, std::size_t count, std::vector<std::uint32_t>& out) {
  if (count <= 1) return;
  count_sums(first, first_half(count), out);
  count_sums(first + first_half(count), count - first_half(count), out);
  ++out[first + count - 1];
}

}  // namespace

std::vector<std::span<const Sample>> cut(std::span<const Sample> samples, std::uint32_t cells_per_part) {
  std::size_t cells = 0;
  for (const auto& s : samples) cells += s.cells.size();
  const auto parts = std::clamp<std::size_t>((cells + cells_per_part / 2) / cells_per_part, 1, samples.size());
  std::vector<std::span<const Sample>> out;
  std::size_t first = 0, seen = 0;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    seen += samples[i].cells.size();
    const bool last = i + 1 == samples.size();
    if (last || seen * parts >= cells * (out.size() + 1)) {
      out.push_back(samples.subspan(first, i + 1 - first));
      first = i + 1;
    }
  }
  return out;
}

std::vector<std::uint32_t> tree_sums(std::size_t count) {
  std::vector<std::uint32_t> out(count, 0);
  count_sums(0, count, out);
  return out;
}

std::pair<std::size_t, std::size_t> subtree(std::size_t count, std::uint32_t rank, std::uint32_t size) {
  if (size <= 1) return {0, count};
  const auto left = first_half(count);
  if (rank < size / 2) return subtree(left, rank, size / 2);
  const auto [first, end] = subtree(count - left, rank - size / 2, size / 2);
  return {left + first, left + end};
}

BatchGradient::BatchGradient(const Network& network, Workers& workers, Partners* partners, const Limits& limits, std::function<void(const std::string&)> note)
    : network_(network), workers_(workers), partners_(partners), limits_(limits), note_(std::move(note)) {}

std::uint64_t BatchGradient::budget() const {
  return limits_.memory_bytes > 0 ? limits_.memory_bytes : static_cast<std::uint64_t>(kShareOfFree * static_cast<double>(free_bytes_));
}

Expected<Losses> BatchGradient::compute(std::span<const Sample> samples, StepNews& news, std::span<RowState> states) {
  samples_ = samples;
  before_ = states;
  after_.assign(states.size(), {});
  if (limits_.cells_per_part == 0) {
    const auto fitting = fitting_cells(samples);
    if (!fitting) return fitting.failure();
    limits_.cells_per_part = *fitting;
  }
  for (;;) {
    const auto parts = cut(samples, limits_.cells_per_part);
    const auto fits = agree(measure(parts, samples.size()) && own_sum(parts, samples.size()));
    if (!fits) return fits.failure();
    if (*fits) {
      std::move(after_.begin(), after_.end(), states.begin());
      return together(parts.size(), news);
    }
    part_bytes_ = 0;
    if (limits_.cells_per_part <= kCellsPerPartMin)
      return Failure{Fault::out_of_memory, "out of memory with one function at a time; lower cells_max, set checkpointing, or give more memory (memory_mib)"};
    limits_.cells_per_part /= 2;
    note_("not enough memory: micro-batches of about " + std::to_string(limits_.cells_per_part) + " cells from now on; the same samples make a step");
  }
}

std::uint64_t BatchGradient::bytes_of(std::span<const Sample> part, std::size_t batch_size) {
  const auto out = at::empty_like(network_.parameters().flat());
  return peak_tensor_bytes([&] { part_gradient(part, batch_size, out); }, device()) + out.nbytes();
}

Expected<std::uint32_t> BatchGradient::fitting_cells(std::span<const Sample> samples) {
  free_bytes_ = free_memory_bytes(device());
  const auto trial = largest_of(cut(samples, kCellsOnTrial));
  // Whatever the size of a part, it and its gradient take this much.
  const auto fixed = 2 * network_.parameters().flat().nbytes();
  std::uint64_t fit = kCellsPerPartMin;
  try {
    const auto taken = bytes_of(trial, samples.size());
    const double per_cell = static_cast<double>(std::max<std::uint64_t>(1, taken > fixed ? taken - fixed : taken)) / static_cast<double>(padded_cells(trial));
    if (budget() > fixed) fit = static_cast<std::uint64_t>(static_cast<double>(budget() - fixed) / per_cell);
  } catch (...) {
    if (!is_out_of_memory(std::current_exception())) throw;
  }
  auto cells = std::clamp<std::uint64_t>(fit, kCellsPerPartMin, kCellsPerPartMax);
  if (partners_) {
    // At least one part for each.
    std::uint64_t all = 0;
    for (const auto& s : samples) all += s.cells.size();
    cells = std::max<std::uint64_t>(kCellsPerPartMin, std::min(cells, (all + partners_->size() - 1) / partners_->size()));
    const auto everyones = partners_->gather(at::full({1}, static_cast<std::int64_t>(cells), at::kLong));
    if (!everyones) return everyones.failure();
    for (const auto& t : *everyones) cells = std::min<std::uint64_t>(cells, static_cast<std::uint64_t>(t.item<std::int64_t>()));
  }
  note_("micro-batches of about " + std::to_string(cells) + " cells, by the memory that is free");
  return static_cast<std::uint32_t>(cells);
}

bool BatchGradient::measure(const Parts& parts, std::size_t batch_size) {
  if (part_bytes_ > 0) return true;
  free_bytes_ = free_memory_bytes(device());
  try {
    part_bytes_ = bytes_of(largest_of(parts), batch_size);
  } catch (...) {
    if (is_out_of_memory(std::current_exception())) return false;
    throw;
  }
  const auto fit = budget() / std::max<std::uint64_t>(1, part_bytes_);
  if (fit == 0 && limits_.cells_per_part > kCellsPerPartMin) return false;
  at_once_ = std::clamp<std::uint64_t>(fit, 1, workers_.threads());
  if (at_once_ < workers_.threads())
    note_("a micro-batch takes " + std::to_string(static_cast<std::uint64_t>(static_cast<double>(part_bytes_) / kMiB)) + " MiB of " +
          std::to_string(static_cast<std::uint64_t>(static_cast<double>(budget()) / kMiB)) + ": " + std::to_string(at_once_) + " at once instead of " +
          std::to_string(workers_.threads()));
  return true;
}

bool BatchGradient::own_sum(const Parts& parts, std::size_t batch_size) {
  const auto [first, end] = subtree(parts.size(), partners_ ? partners_->rank() : 0, partners_ ? partners_->size() : 1);
  for (;;) {
    try {
      fold(std::span(parts).subspan(first, end - first), batch_size);
      return true;
    } catch (...) {
      if (!is_out_of_memory(std::current_exception())) throw;
    }
    stack_.clear();
    spare_.clear();
    give_back_memory(device());
    if (at_once_ == 1) return false;
    at_once_ /= 2;
    note_("out of memory: " + std::to_string(at_once_) + " micro-batches at once from now on");
  }
}

// Leaves the sum as the only entry of stack_, none where there are no parts.
void BatchGradient::fold(std::span<const std::span<const Sample>> parts, std::size_t batch_size) {
  for (auto& sum : stack_) spare_.push_back(std::move(sum.gradient));
  stack_.clear();
  const auto sums = tree_sums(parts.size());
  for (std::size_t first = 0; first < parts.size(); first += at_once_) {
    const auto count = std::min(at_once_, parts.size() - first);
    std::vector<Sum> wave(count);
    for (auto& sum : wave) {
      if (spare_.empty()) spare_.push_back(at::empty_like(network_.parameters().flat()));
      sum.gradient = std::move(spare_.back());
      spare_.pop_back();
    }
    workers_.run(count, [&](std::size_t i) { wave[i].losses = part_gradient(parts[first + i], batch_size, wave[i].gradient); });
    for (std::size_t i = 0; i < count; ++i) {
      stack_.push_back(std::move(wave[i]));
      for (auto n = sums[first + i]; n > 0; --n) {
        add(stack_[stack_.size() - 2], stack_.back());
        spare_.push_back(std::move(stack_.back().gradient));
        stack_.pop_back();
      }
    }
  }
}

void BatchGradient::add(Sum& to, const Sum& from) {
  constexpr std::size_t kSlices = 8;
  workers_.run(kSlices, [&](std::size_t k) {
    const c10::NoGradGuard no_grad;
    const auto slice = [&](const at::Tensor& t) {
      const auto n = t.numel(), first = n * static_cast<std::int64_t>(k) / static_cast<std::int64_t>(kSlices);
      return t.narrow(0, first, n * static_cast<std::int64_t>(k + 1) / static_cast<std::int64_t>(kSlices) - first);
    };
    slice(to.gradient).add_(slice(from.gradient));
  });
  auto& l = to.losses;
  l = {l.start + from.losses.start, l.end + from.losses.end, l.tokens + from.losses.tokens, l.halt + from.losses.halt};
}

HeadLoss BatchGradient::part_loss(std::span<const Sample> part) {
  if (before_.empty()) return network_.loss(part);
  // Apart from where they came from: a part that runs out of memory is computed again.
  const auto first = static_cast<std::size_t>(part.data() - samples_.data());
  const auto own = std::span(after_).subspan(first, part.size());
  std::copy_n(before_.begin() + static_cast<std::ptrdiff_t>(first), part.size(), own.begin());
  return network_.step_loss(network_.prepare(part), own);
}

Losses BatchGradient::part_gradient(std::span<const Sample> part, std::size_t batch_size, const at::Tensor& out) {
  const double scale = 1 / static_cast<double>(batch_size);
  const auto loss = part_loss(part);
  std::vector<at::Tensor> leaves;
  for (const auto& p : network_.parameters().all()) leaves.push_back(p.value);
  const auto gradients = torch::autograd::grad({loss.total() * scale}, leaves, {}, std::nullopt, false, true);
  const c10::NoGradGuard no_grad;
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    auto to = out.narrow(0, network_.parameters()[i].offset, leaves[i].numel());
    if (gradients[i].defined()) to.copy_(gradients[i].reshape({-1}));
    else to.zero_();
  }
  const auto value = [&](const at::Tensor& t) { return t.defined() ? t.item<double>() * scale : 0; };
  return {value(loss.start), value(loss.end), value(loss.tokens), value(loss.halt)};
}

// True if it is true at all partners.
Expected<bool> BatchGradient::agree(bool mine) {
  if (!partners_) return mine;
  const auto all = partners_->gather(at::full({1}, mine ? 1 : 0, at::kLong));
  if (!all) return all.failure();
  return std::all_of(all->begin(), all->end(), [](const at::Tensor& t) { return t.item<std::int64_t>() == 1; });
}

Expected<Losses> BatchGradient::together(std::size_t parts, StepNews& news) {
  if (!partners_) {
    gradient_ = stack_.front().gradient;
    return stack_.front().losses;
  }
  auto own = stack_.empty() ? Sum{at::zeros_like(network_.parameters().flat()), {}} : stack_.front();
  const auto gradients = partners_->gather(own.gradient);
  if (!gradients) return gradients.failure();
  const auto& l = own.losses;
  const auto words = partners_->gather(at::tensor({l.start, l.end, l.tokens, l.halt, news.cpu_s, news.stop ? 1.0 : 0.0}, at::kDouble));
  if (!words) return words.failure();
  // The upper levels of the tree: each partner's sum is a leaf; those without parts are left out.
  std::vector<Sum> level;
  news = {};
  for (std::uint32_t r = 0; r < partners_->size(); ++r) {
    const auto* w = (*words)[r].data_ptr<double>();
    const auto [first, end] = subtree(parts, r, partners_->size());
    level.push_back({first < end ? (*gradients)[r] : at::Tensor(), {w[0], w[1], w[2], w[3]}});
    news.cpu_s += w[4];
    news.stop = news.stop || w[5] != 0;
  }
  for (; level.size() > 1; level.resize(level.size() / 2))
    for (std::size_t i = 0; i < level.size() / 2; ++i) {
      level[i] = level[2 * i];
      if (level[2 * i + 1].gradient.defined()) add(level[i], level[2 * i + 1]);
    }
  gradient_ = level.front().gradient;
  return level.front().losses;
}

}  // namespace mendel::model
