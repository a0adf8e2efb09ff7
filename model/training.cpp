// The training loop: what training.hpp promises.
#include "training.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/autograd.h>

#if __has_include(<malloc.h>)
#include <malloc.h>
#endif

#include <algorithm>
#include <chrono>
#include <cmath>
#include <deque>
#include <thread>

#include "evaluation.hpp"
#include "faults.hpp"
#include "run_state.hpp"

namespace mendel::model {
namespace {

using WallClock = std::chrono::steady_clock;

constexpr const char* kStage = "demo";
// A batch is cut into parts of about so many cells, whatever the number of threads: the sums, and with
// them every bit of the result, depend on the cut alone. Parts of this size stay in a core's cache.
constexpr std::size_t kCellsPerPart = 1280;
constexpr std::uint64_t kSkippedMax = 8;  // steps in a row without a number, then training stops
constexpr std::size_t kRateWindow = 20;  // steps
constexpr std::uint32_t kCurveBugs = 400, kCurveClean = 400;

struct Losses {
  double start = 0, end = 0, tokens = 0, halt = 0;
  double sum() const { return start + end + tokens + halt; }
};

// Contiguous runs of samples with about equal numbers of cells.
std::vector<std::span<const Sample>> cut(std::span<const Sample> samples) {
  std::size_t cells = 0;
  for (const auto& s : samples) cells += s.cells.size();
  const auto parts = std::clamp<std::size_t>((cells + kCellsPerPart / 2) / kCellsPerPart, 1, samples.size());
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

class Run {
 public:
  Run(const TrainInput& input, ValidationSubset validation, std::uint32_t threads)
      : input_(input),
        options_(input.options),
        paths_(input.run),
        identity_(run_identity(input)),
        validation_(std::move(validation)),
        workers_(threads),
        network_(input.settings, options_.seed, product_type()),
        averaged_(input.settings, options_.seed, product_type()),
        optimizer_(network_.parameters(), {0.95, options_.weight_decay, options_.clip}, options_.ema),
        loader_(*input.train, options_.seed, options_.cells_per_batch, options_.cells_max) {
    network_.set_recompute(options_.recompute);
    network_.set_sync_diversity(options_.sync_diversity);
  }

  Expected<TrainSummary> go() {
    auto state = read_state(paths_.state, network_, optimizer_.state(), identity_);
    if (!state && state.failure().fault != Fault::not_found) return state.failure();
    const bool resumed = static_cast<bool>(state);
    if (resumed) counters_ = *state;
    if (counters_.done) return summary(resumed, true);
    if (loader_.size() == 0)
      return Failure{Fault::invalid, "no training sample has at most " + std::to_string(options_.cells_max) + " cells; raise cells_max"};
    auto metrics = MetricsLog::open(paths_.metrics, counters_.steps);
    if (!metrics) return metrics.failure();
    saved_at_ = WallClock::now();
    while (!counters_.done) {
      if (auto done = one_step(*metrics); !done) return done.failure();
    }
    return summary(resumed, false);
  }

 private:
  double share() const {
    const double by_time = options_.minutes > 0 ? counters_.cpu_minutes / options_.minutes : 1;
    // With a limit of steps the schedule is theirs alone, so that a resumed run repeats every bit.
    return std::min(1.0, options_.steps_max > 0 ? static_cast<double>(counters_.steps) / options_.steps_max : by_time);
  }

  bool over() const { return share() >= 1 || counters_.cpu_minutes >= options_.minutes; }

  Expected<bool> one_step(MetricsLog& metrics) {
    if (input_.stop && input_.stop()) {
      if (auto saved = save(metrics); !saved) return saved;
      return Failure{Fault::interrupted, input_.run.string() + ": stopped at step " + std::to_string(counters_.steps) + "; the same command goes on"};
    }
    const double before_s = workers_.cpu_s();
    const auto samples = next_samples();
    if (!samples) return samples.failure();
    if (samples->empty()) return true;
    const double halvings = static_cast<double>(std::min<std::uint64_t>(counters_.skipped, 10));
    const double rate = options_.learning_rate * rate_factor({counters_.steps, share()}, options_.warmup_steps) * std::pow(0.5, halvings);
    const auto losses = gradients(*samples);
    const auto norm = optimizer_.step(gradient_, rate, workers_);
    network_.constrain();
    counters_.cpu_minutes += (workers_.cpu_s() - before_s) / 60;
    counters_.steps += 1;
    counters_.samples_seen += samples->size();
    if (!norm) {
      counters_.skipped += 1;
      if (++counters_.skipped_in_a_row >= kSkippedMax)
        return Failure{Fault::diverged, input_.run.string() + ": " + std::to_string(kSkippedMax) + " losses in a row were no numbers, at step " +
                                            std::to_string(counters_.steps) + "; lower learning_rate and train in another run folder"};
    } else {
      counters_.skipped_in_a_row = 0;
    }
    report(metrics, losses, rate, norm.value_or(NAN));
    return milestones(metrics);
  }

  Expected<std::vector<Sample>> next_samples() {
    std::vector<Sample> out;
    for (const auto i : loader_.next(counters_.position)) {
      auto sample = input_.train->sample(i);
      if (const auto why = sample_fault(sample, input_.settings.vocabulary); !why.empty())
        return Failure{Fault::invalid, "training sample " + std::to_string(i) + " " + why + "; build the dataset again with this vocabulary"};
      if (learnable(sample)) out.push_back(std::move(sample));
    }
    return out;
  }

  // Leaves the gradient of the mean loss in gradient_.
  Losses gradients(const std::vector<Sample>& samples) {
    const auto parts = cut(samples);
    const auto& parameters = network_.parameters();
    while (part_gradients_.size() < parts.size()) part_gradients_.push_back(at::empty_like(parameters.flat()));
    std::vector<Losses> losses(parts.size());
    workers_.run(parts.size(), [&](std::size_t i) { losses[i] = part_gradient(parts[i], samples.size(), part_gradients_[i]); });
    constexpr std::size_t kSlices = 8;
    gradient_ = part_gradients_[0];
    workers_.run(kSlices, [&](std::size_t k) {
      const c10::NoGradGuard no_grad;
      const auto slice = [&](const at::Tensor& t) {
        const auto n = t.numel(), first = n * static_cast<std::int64_t>(k) / static_cast<std::int64_t>(kSlices);
        return t.narrow(0, first, n * static_cast<std::int64_t>(k + 1) / static_cast<std::int64_t>(kSlices) - first);
      };
      for (std::size_t i = 1; i < parts.size(); ++i) slice(gradient_).add_(slice(part_gradients_[i]));
    });
    Losses sum;
    for (const auto& l : losses) sum = {sum.start + l.start, sum.end + l.end, sum.tokens + l.tokens, sum.halt + l.halt};
    return sum;
  }

  Losses part_gradient(std::span<const Sample> part, std::size_t batch_size, const at::Tensor& out) {
    const double scale = 1 / static_cast<double>(batch_size);
    const auto loss = network_.loss(part);
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

  void report(MetricsLog& metrics, const Losses& losses, double rate, double norm) {
    recent_.emplace_back(WallClock::now(), counters_.samples_seen);
    if (recent_.size() > kRateWindow) recent_.pop_front();
    const std::chrono::duration<double> took = recent_.back().first - recent_.front().first;
    StepReport r;
    r.stage = kStage;
    r.step = counters_.steps;
    r.samples_seen = counters_.samples_seen;
    r.cpu_minutes = counters_.cpu_minutes;
    r.loss = losses.sum();
    r.loss_start = losses.start;
    r.loss_end = losses.end;
    r.loss_tokens = losses.tokens;
    r.loss_halt = losses.halt;
    r.learning_rate = rate;
    r.gradient_norm = norm;
    r.samples_per_s = took.count() > 0 ? static_cast<double>(recent_.back().second - recent_.front().second) / took.count() : 0;
    metrics.write(r);
    if (input_.on_step) input_.on_step(r);
  }

  // Evaluates and saves where it is time to.
  Expected<bool> milestones(MetricsLog& metrics) {
    const bool end = over();
    const bool due = share() * options_.evaluations >= static_cast<double>(counters_.evaluations + 1);
    if (end || due) {
      if (auto done = evaluate(metrics, end); !done) return done;
      counters_.done = end;
      return save(metrics);
    }
    if (WallClock::now() - saved_at_ >= std::chrono::seconds(options_.checkpoint_s)) return save(metrics);
    return true;
  }

  Expected<bool> evaluate(MetricsLog& metrics, bool end) {
    const c10::NoGradGuard no_grad;
    averaged_.parameters().flat().copy_(optimizer_.state().average);
    averaged_.refresh();
    auto evaluation = validation_.evaluate(averaged_, workers_);
    evaluation.point.step = counters_.steps;
    evaluation.point.samples_seen = counters_.samples_seen;
    evaluation.point.cpu_minutes = counters_.cpu_minutes;
    counters_.last = evaluation.point;
    counters_.evaluations = end ? options_.evaluations : counters_.evaluations + 1;
    metrics.write(evaluation.point);
    if (input_.on_curve) input_.on_curve(evaluation.point);
    return write_checkpoint(paths_.checkpoint, averaged_, averaged_.parameters().flat(), evaluation.thresholds, input_.facts);
  }

  // Metrics first: what the state says was reached must be in them.
  Expected<bool> save(MetricsLog& metrics) {
    saved_at_ = WallClock::now();
    if (auto flushed = metrics.flush(); !flushed) return flushed;
    return write_state(paths_.state, network_, optimizer_.state(), counters_, identity_);
  }

  TrainSummary summary(bool resumed, bool already_done) const {
    return {paths_.checkpoint, counters_.steps, counters_.samples_seen, counters_.cpu_minutes, counters_.last, resumed, already_done};
  }

  const TrainInput& input_;
  const TrainOptions& options_;
  RunPaths paths_;
  Metadata identity_;
  ValidationSubset validation_;
  Workers workers_;
  Network network_, averaged_;
  Optimizer optimizer_;
  Loader loader_;
  RunCounters counters_;
  std::vector<at::Tensor> part_gradients_;
  at::Tensor gradient_;
  std::deque<std::pair<WallClock::time_point, std::uint64_t>> recent_;
  WallClock::time_point saved_at_;
};

std::string input_fault(const TrainInput& input) {
  if (const auto why = settings_fault(input.settings); !why.empty()) return why;
  const auto& o = input.options;
  if (!input.train || input.train->size() == 0) return "the training set is empty; build a dataset with accepted pairs first";
  if (!input.validation || input.validation->size() == 0) return "the validation set is empty; build a larger dataset, or with larger splits";
  if (!(o.minutes > 0)) return "minutes is " + std::to_string(o.minutes) + "; it must be above 0";
  if (!(o.learning_rate > 0)) return "learning_rate is " + std::to_string(o.learning_rate) + "; it must be above 0";
  if (!(o.clip > 0)) return "clip is " + std::to_string(o.clip) + "; it must be above 0";
  if (!(o.sync_diversity >= 0)) return "sync_diversity is " + std::to_string(o.sync_diversity) + "; it must not be below 0";
  if (!(o.ema >= 0 && o.ema < 1)) return "ema is " + std::to_string(o.ema) + "; it must be from 0 to below 1";
  if (!(o.weight_decay >= 0)) return "weight_decay is " + std::to_string(o.weight_decay) + "; it must not be below 0";
  if (o.evaluations == 0) return "evaluations is 0; thresholds need at least one";
  if (o.cells_max == 0 || o.cells_per_batch == 0) return "cells_max and cells_per_batch must be above 0";
  return {};
}

}  // namespace

Expected<TrainSummary> train(const TrainInput& input) {
#ifdef __GLIBC__
  // Every step takes and gives back the same large tensors: keep their pages.
  ::mallopt(M_MMAP_THRESHOLD, 32 << 20);
  ::mallopt(M_TRIM_THRESHOLD, 1 << 30);
  ::mallopt(M_TOP_PAD, 16 << 20);
#endif
  if (const auto why = input_fault(input); !why.empty()) return Failure{Fault::invalid, why};
  const RunPaths paths(input.run);
  std::error_code error;
  std::filesystem::create_directories(paths.state.parent_path(), error);
  if (error) return Failure{Fault::io, paths.state.parent_path().string() + ": cannot create: " + error.message()};
  const auto lock = RunLock::take(paths.lock);
  if (!lock) return lock.failure();
  auto validation = ValidationSubset::choose(*input.validation, {input.options.cells_max, kCurveBugs, kCurveClean}, input.settings.vocabulary, input.options.seed);
  if (!validation) return validation.failure();
  const auto threads = input.options.threads > 0 ? input.options.threads : std::max(1u, std::thread::hardware_concurrency());
  return guarded([&]() -> Expected<TrainSummary> { return Run(input, std::move(*validation), threads).go(); });
}

}  // namespace mendel::model
