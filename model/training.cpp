// The training loop: what training.hpp promises.
#include "training.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#if __has_include(<malloc.h>)
#include <malloc.h>
#endif

#include <algorithm>
#include <chrono>
#include <cmath>
#include <deque>
#include <numeric>
#include <optional>
#include <thread>
#include <utility>

#include "evaluation.hpp"
#include "faults.hpp"
#include "gate_book.hpp"
#include "gradient.hpp"
#include "observation.hpp"
#include "shared_start.hpp"

namespace mendel::model {
namespace {

using WallClock = std::chrono::steady_clock;

constexpr std::uint64_t kSkippedMax = 8;  // steps in a row without a number, then training stops
constexpr std::size_t kRateWindow = 20, kLossWindow = 20;  // steps
constexpr std::size_t kLookedAt = 96, kExamples = 3;  // functions of the validation subset
constexpr std::uint64_t kStageStream = 0x5747a6e;  // of the hash: the order of samples is another in each stage

double mean(const std::deque<double>& values) { return values.empty() ? NAN : std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size()); }

class Run {
 public:
  Run(const TrainInput& input, const Compute& compute, ValidationSubset validation, std::unique_ptr<Partners> partners, std::uint32_t threads)
      : input_(input),
        options_(input.options),
        stages_(input.stages.empty() ? std::vector<StagePlan>(1) : input.stages),
        paths_(input.run),
        identity_(run_identity(input)),
        compute_(compute),
        validation_(std::move(validation)),
        partners_(std::move(partners)),
        workers_(compute.operations ? 1 : threads),
        network_(input.settings, options_.seed, compute),
        averaged_(input.settings, options_.seed, compute),
        optimizer_(network_.parameters(), {0.95, options_.weight_decay, options_.clip, options_.beta2, options_.adamw_only}, options_.ema) {
    network_.set_recompute(options_.recompute);
    network_.set_sync_diversity(options_.sync_diversity);
  }

  Expected<TrainSummary> go() {
    auto state = start_together(partners_.get(), paths_.state, network_, optimizer_.state(), identity_, compute_);
    if (!state) return state.failure();
    const bool resumed = state->has_value();
    if (resumed) counters_ = std::move(**state);
    if (!counters_.damaged.empty()) note(counters_.damaged + ": going on from the state before it, step " + std::to_string(counters_.steps));
    begin_on_device(resumed);
    if (counters_.done) return summary(resumed, true);
    if (counters_.stage >= stages_.size()) return Failure{Fault::corrupt, paths_.state.string() + ": metadata field stage is beyond the curriculum; the file is damaged"};
    if (auto entered = enter_stage(!resumed); !entered) return entered.failure();
    gradient_.emplace(network_, workers_, partners_.get(), BatchGradient::Limits{static_cast<std::uint32_t>(counters_.cells_per_part), options_.memory_bytes},
                      [this](const std::string& line) { note(line); });
    if (first()) {
      auto metrics = MetricsLog::open(paths_.metrics, counters_.steps);
      if (!metrics) return metrics.failure();
      metrics_.emplace(std::move(*metrics));
    }
    saved_at_ = WallClock::now();
    while (!counters_.done) {
      if (auto done = one_step(); !done) return done.failure();
    }
    return summary(resumed, false);
  }

 private:
  bool first() const { return !partners_ || partners_->rank() == 0; }
  bool curriculum() const { return !input_.stages.empty(); }
  const StagePlan& stage() const { return stages_[counters_.stage]; }
  void note(const std::string& line) const {
    if (input_.note) input_.note(line);
  }

  // Of the whole curriculum the stages' lengths are known; without one, minutes or steps are.
  double share() const {
    if (curriculum()) {
      double over = 0, all = 0;
      for (std::size_t s = 0; s < stages_.size(); ++s) {
        const double length = static_cast<double>(stages_[s].samples.empty() ? input_.train->size() : stages_[s].samples.size()) * stages_[s].epochs;
        all += length;
        over += s < counters_.stage ? length : s == counters_.stage ? length * stage_share() : 0;
      }
      return over / all;
    }
    const double by_time = options_.minutes > 0 ? counters_.cpu_minutes / options_.minutes : 1;
    // With a limit of steps the schedule is theirs alone, so that a resumed run repeats every bit.
    return std::min(1.0, options_.steps_max > 0 ? static_cast<double>(counters_.steps) / options_.steps_max : by_time);
  }

  BatchLimits limits() const { return {options_.cells_per_batch, options_.cells_max, stage().batch_samples}; }

  double stage_share() const {
    return (static_cast<double>(counters_.position.epoch) + loader_->epoch_share(counters_.position)) / stage().epochs;
  }
  bool stage_over() const { return !counters_.carried.waiting() && nothing_follows(counters_.position); }
  bool nothing_follows(const LoaderPosition& at) const { return curriculum() && at.epoch + 1 >= stage().epochs && loader_->epoch_over(at); }

  bool over() const {
    if (counters_.cpu_minutes >= options_.minutes) return true;
    if (!curriculum()) return share() >= 1;
    return (options_.steps_max > 0 && counters_.steps >= options_.steps_max) || (counters_.stage + 1 == stages_.size() && stage_over());
  }

  Expected<bool> enter_stage(bool fresh) {
    const auto& s = stage();
    const auto seed = curriculum() ? mix_hash(options_.seed, kStageStream, counters_.stage) : options_.seed;
    loader_.emplace(*input_.train, seed, limits(), s.samples);
    if (const auto held = loader_->hold(counters_.position); !held)
      return Failure{held.failure().fault, (curriculum() ? "stage " + s.name + ": " : std::string()) + held.failure().what};
    const bool grows = std::any_of(stages_.begin(), stages_.end(), [](const auto& plan) { return plan.memory > 0; });
    network_.set_thinking(s.ticks, s.memory, fresh && grows);
    averaged_.set_thinking(s.ticks, 0, false);
    if (fresh && grows) optimizer_.state().average.copy_(network_.parameters().flat());
    return true;
  }

  // Micro-batches are for one device: on another their size is found anew.
  void begin_on_device(bool resumed) {
    const auto device = compute_.text();
    const auto before = counters_.computed_on.empty() ? cpu_compute().text() : counters_.computed_on;
    if (resumed && before != device) note("goes on on " + device + " what was begun on " + before + ": the losses differ from those of one device in their last digits");
    if (!resumed || before != device) counters_.cells_per_part = compute_.operations ? 0 : kCellsPerPart;
    counters_.computed_on = device;
  }

  // Seconds of work: of the CPU, summed over threads; of another device by the clock, for a step ends when it has ended there.
  double spent_s() const {
    if (compute_.device.is_cpu()) return workers_.cpu_s();
    return std::chrono::duration<double>(WallClock::now().time_since_epoch()).count();
  }

  double rate() const {
    const double halvings = std::pow(0.5, static_cast<double>(std::min<std::uint64_t>(counters_.skipped, 10)));
    if (!curriculum()) return options_.learning_rate * rate_factor({counters_.steps, share()}, options_.warmup_steps) * halvings;
    return (stage().learning_rate > 0 ? stage().learning_rate : options_.learning_rate) * stage_rate_factor(stage(), counters_.stage_steps, stage_share()) * halvings;
  }

  Failure stopped() const {
    return {Fault::interrupted, input_.run.string() + ": stopped at step " + std::to_string(counters_.steps) + "; the same command goes on"};
  }

  Expected<bool> one_step() {
    StepNews news;
    news.stop = input_.stop && input_.stop();
    // Partners hear of it with this step's gradients and stop together after it.
    if (news.stop && !partners_) {
      if (auto saved = save(); !saved) return saved;
      return stopped();
    }
    const double before_s = spent_s(), step_rate = rate();
    auto position = counters_.position;
    const auto fresh = options_.replace_halted ? fill_rows(position) : next_samples(position);
    if (!fresh) return fresh.failure();
    const auto samples = options_.replace_halted ? counters_.carried.samples() : std::span<const Sample>(batch_);
    if (samples.empty()) {
      counters_.position = position;
      return milestones();
    }
    news.cpu_s = spent_s() - before_s;
    const auto losses = gradient_->compute(samples, news, counters_.carried.states());
    if (!losses) {
      // Nothing has changed since the last step: that is where the run can go on.
      (void)save();
      auto failure = losses.failure();
      failure.what = input_.run.string() + ": step " + std::to_string(counters_.steps + 1) + ": " + failure.what + "; the run goes on after step " + std::to_string(counters_.steps);
      return failure;
    }
    counters_.position = position;
    counters_.cells_per_part = gradient_->cells_per_part();
    const auto norm = optimizer_.step(gradient_->gradient(), step_rate, workers_);
    network_.constrain();
    counters_.cpu_minutes += (partners_ ? news.cpu_s : spent_s() - before_s) / 60;
    if (!norm) counters_.carried.restart();
    else if (options_.replace_halted) counters_.carried.halt({options_.seed, input_.settings.supervision_steps, options_.halt_exploration}, counters_.steps);
    if (auto counted = count(*fresh, *losses, norm); !counted) return counted;
    report(*losses, step_rate, norm.value_or(NAN));
    if (auto done = milestones(); !done) return done;
    if (!news.stop || counters_.done) return true;
    if (auto saved = save(); !saved) return saved;
    return stopped();
  }

  // Numbers that are none are passed over, at half the rate from then on, and at last given up.
  Expected<bool> count(std::uint64_t fresh, const Losses& losses, const std::optional<double>& norm) {
    counters_.steps += 1;
    counters_.stage_steps += 1;
    counters_.samples_seen += fresh;
    if (norm) {
      counters_.skipped_in_a_row = 0;
      counters_.recent_losses.push_back(losses.sum());
      if (counters_.recent_losses.size() > kLossWindow) counters_.recent_losses.pop_front();
      return true;
    }
    counters_.skipped += 1;
    if (++counters_.skipped_in_a_row < kSkippedMax) return true;
    return Failure{Fault::diverged, input_.run.string() + ": " + std::to_string(kSkippedMax) + " losses in a row were no numbers, at step " + std::to_string(counters_.steps) +
                                        "; lower learning_rate and train in another run folder"};
  }

  // Leaves the next batch in batch_; answers its size.
  Expected<std::uint64_t> next_samples(LoaderPosition& position) {
    batch_.clear();
    const auto batch = loader_->next(position);
    if (!batch) return batch.failure();
    for (const auto i : *batch) {
      auto sample = loader_->sample(i);
      if (const auto why = sample_fault(sample, input_.settings.vocabulary); !why.empty())
        return Failure{Fault::invalid, "training sample " + std::to_string(i) + " " + why + "; build the dataset again with this vocabulary"};
      if (learnable(sample)) batch_.push_back(std::move(sample));
    }
    return batch_.size();
  }

  // Puts samples into the places of halted rows; answers how many. No batch is begun beyond the stage's last.
  Expected<std::uint64_t> fill_rows(LoaderPosition& position) {
    std::uint64_t fresh = 0;
    for (auto& rows = counters_.carried;;) {
      fresh += rows.let_in(limits());
      if (!rows.wants_more(limits()) || nothing_follows(position)) return fresh;
      if (const auto next = next_samples(position); !next) return next.failure();
      rows.wait(std::exchange(batch_, {}));
    }
  }

  void report(const Losses& losses, double step_rate, double norm) {
    recent_.emplace_back(WallClock::now(), counters_.samples_seen);
    if (recent_.size() > kRateWindow) recent_.pop_front();
    const std::chrono::duration<double> took = recent_.back().first - recent_.front().first;
    StepReport r;
    r.stage = stage().name;
    r.step = counters_.steps;
    r.samples_seen = counters_.samples_seen;
    r.cpu_minutes = counters_.cpu_minutes;
    r.loss = losses.sum();
    r.loss_start = losses.start;
    r.loss_end = losses.end;
    r.loss_tokens = losses.tokens;
    r.loss_halt = losses.halt;
    r.learning_rate = step_rate;
    r.gradient_norm = norm;
    r.samples_per_s = took.count() > 0 ? static_cast<double>(recent_.back().second - recent_.front().second) / took.count() : 0;
    if (metrics_) metrics_->write(r);
    if (input_.on_step) input_.on_step(r);
  }

  // Evaluates, asks gates, keeps checkpoints and saves where it is time to; goes to the next stage.
  Expected<bool> milestones() {
    const bool end = over(), stage_end = stage_over();
    GateBook book(stage(), counters_.gates);
    const auto gates = curriculum() ? book.due(stage_share(), counters_.stage_steps, stage_end) : std::vector<const PlacedGate*>();
    const bool kept = curriculum() && (stage_end || (stage().checkpoint_steps > 0 && counters_.stage_steps % stage().checkpoint_steps == 0));
    const bool due = share() * options_.evaluations >= static_cast<double>(counters_.evaluations + 1);
    const bool evaluated = end || due || kept || std::any_of(gates.begin(), gates.end(), [](const auto* g) { return needs_evaluation(*g); });
    if (first() && evaluated)
      if (auto done = evaluate(end, due, kept); !done) return done;
    if (first()) ask(book, gates, evaluated);
    if (stage_end) {
      for (const auto& [name, own] : point_.classes) counters_.exact_before[name] = std::max(own.exact, counters_.exact_before[name]);
      if (!end) {
        counters_.stage += 1;
        counters_.stage_steps = 0;
        counters_.position = {};
        counters_.recent_losses.clear();
        if (auto entered = enter_stage(false); !entered) return entered;
      }
    }
    counters_.done = end;
    if (evaluated || WallClock::now() - saved_at_ >= std::chrono::seconds(options_.checkpoint_s)) return save();
    return true;
  }

  void ask(GateBook& book, const std::vector<const PlacedGate*>& gates, bool evaluated) {
    const GateView view{mean(counters_.recent_losses), counters_.validation_loss_lowest, evaluated ? &point_ : nullptr, &counters_.exact_before};
    for (const auto* gate : gates) {
      const auto& result = book.measure(*gate, counters_.steps, view);
      metrics_->write(result);
      if (input_.on_gate) input_.on_gate(result);
    }
  }

  Expected<bool> evaluate(bool end, bool due, bool kept) {
    const c10::NoGradGuard no_grad;
    const auto& average = optimizer_.state().average;
    averaged_.parameters().flat().copy_(options_.checkpoint_type == CheckpointType::bf16 ? average.to(at::kBFloat16) : average);
    averaged_.refresh();
    auto evaluation = validation_.evaluate(averaged_, workers_);
    point_ = std::move(evaluation.point);
    point_.step = counters_.steps;
    point_.samples_seen = counters_.samples_seen;
    point_.cpu_minutes = counters_.cpu_minutes;
    counters_.last = point_;
    if (end) counters_.evaluations = options_.evaluations;
    else if (due) counters_.evaluations += 1;
    metrics_->write(point_);
    if (input_.on_curve) input_.on_curve(point_);
    show();
    const auto write = [&](const std::filesystem::path& path) {
      return write_checkpoint(path, averaged_, averaged_.parameters().flat(), evaluation.thresholds, input_.facts, options_.checkpoint_type);
    };
    const bool best = point_.validation_loss < counters_.validation_loss_lowest;
    counters_.validation_loss_lowest = std::min(counters_.validation_loss_lowest, point_.validation_loss);
    if (curriculum() && best)
      if (auto written = write(paths_.best); !written) return written;
    if (kept)
      if (auto written = write(paths_.kept / (stage().name + "-step_" + std::to_string(counters_.stage_steps) + ".safetensors")); !written) return written;
    return write(paths_.checkpoint);
  }

  void show() {
    auto look = look_at(averaged_, validation_.first(kLookedAt), kExamples, workers_);
    look.step = counters_.steps;
    metrics_->write(look);
    if (input_.on_look) input_.on_look(look);
  }

  // Metrics first: what the state says was reached must be in them.
  Expected<bool> save() {
    saved_at_ = WallClock::now();
    if (!first()) return true;
    if (auto flushed = metrics_->flush(); !flushed) return flushed;
    return write_state(paths_.state, network_, optimizer_.state(), counters_, identity_);
  }

  TrainSummary summary(bool resumed, bool already_done) const {
    return {paths_.checkpoint, counters_.steps, counters_.samples_seen, counters_.cpu_minutes, counters_.last, resumed, already_done, all_gates(input_.stages, counters_.gates)};
  }

  const TrainInput& input_;
  const TrainOptions& options_;
  const std::vector<StagePlan> stages_;
  RunPaths paths_;
  Metadata identity_;
  Compute compute_;
  ValidationSubset validation_;
  std::unique_ptr<Partners> partners_;
  Workers workers_;
  Network network_, averaged_;
  Optimizer optimizer_;
  std::optional<Loader> loader_;  // of the stage
  std::optional<BatchGradient> gradient_;
  std::optional<MetricsLog> metrics_;  // of the first partner
  RunCounters counters_;
  std::vector<Sample> batch_;  // of the step, or of the rows that come next
  CurvePoint point_;  // the last evaluation
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
  if (!(o.beta2 >= 0 && o.beta2 < 1)) return "beta2 is " + std::to_string(o.beta2) + "; it must be from 0 to below 1";
  if (o.replace_halted && (input.settings.supervision_steps < 2 || input.settings.recursive_layers.empty()))
    return "replace_halted is set for a model that never halts; set supervision_steps above 1, recursive_layers and high_cycles too";
  if (o.replace_halted && input.group.size > 1) return "replace_halted carries rows in one process, and there are " + std::to_string(input.group.size) + "; train with one, or unset it";
  if (!(o.halt_exploration >= 0 && o.halt_exploration <= 1)) return "halt_exploration is " + std::to_string(o.halt_exploration) + "; it must be from 0 to 1";
  if (o.evaluations == 0 || o.evaluation_samples == 0) return "evaluations is 0, or evaluation_samples; thresholds need at least one";
  if (!input.validation_classes.empty() && input.validation_classes.size() != input.validation->size())
    return "validation_classes names another number of samples than the validation set has";
  const auto& ctm = input.settings.ctm;
  if (const auto why = curriculum_fault(input.stages, ctm.neurons > 0 ? ctm.ticks : 0, ctm.neurons > 0 ? ctm.memory : 0, input.train->size()); !why.empty()) return why;
  if (o.cells_max == 0 || o.cells_per_batch == 0) return "cells_max and cells_per_batch must be above 0";
  return {};
}

// The folder of the run, for this process alone; partners but the first need none.
Expected<std::optional<RunLock>> take_run(const TrainInput& input) {
  if (input.group.rank != 0) return std::optional<RunLock>();
  const RunPaths paths(input.run);
  std::error_code error;
  std::filesystem::create_directories(paths.state.parent_path(), error);
  if (!error && !input.stages.empty()) std::filesystem::create_directories(paths.kept, error);
  if (error) return Failure{Fault::io, paths.state.parent_path().string() + ": cannot create: " + error.message()};
  auto lock = RunLock::take(paths.lock);
  if (!lock) return lock.failure();
  return std::optional<RunLock>(std::move(*lock));
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
  const auto compute = find_compute(input.options.device, input.group.local_rank);
  if (!compute) return compute.failure();
  const auto lock = take_run(input);
  if (!lock) return lock.failure();
  const auto samples = input.options.evaluation_samples;
  auto validation = ValidationSubset::choose(*input.validation, input.validation_classes, {input.options.cells_max, samples, samples}, input.settings.vocabulary, input.options.seed);
  if (!validation) return validation.failure();
  const auto threads = input.options.threads > 0 ? input.options.threads : std::max(1u, std::thread::hardware_concurrency());
  return guarded([&]() -> Expected<TrainSummary> {
    std::unique_ptr<Partners> partners;
    if (input.group.size != 1) {
      auto joined = Partners::join(input.group);
      if (!joined) return joined.failure();
      partners = std::move(*joined);
    }
    return Run(input, *compute, std::move(*validation), std::move(partners), threads).go();
  });
}

}  // namespace mendel::model
