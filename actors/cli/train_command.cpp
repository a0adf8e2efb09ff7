// mendel-trainer train: a dataset in, a run folder with a checkpoint out; a second run goes on or says that it is done.
#include <algorithm>
#include <cstdio>

#include "actors/cli/trainer_commands.hpp"
#include "actors/cli/trainer_options.hpp"
#include "actors/runtime/stages.hpp"
#include "actors/trainer/training_run.hpp"

namespace mendel::cli {
namespace {

namespace fs = std::filesystem;

constexpr double kSecondsPerMinute = 60;

// A line above the progress bar.
void say(const Context& context, std::string_view line) {
  if (context.terminal_err) std::fputs("\r\033[K", stderr);
  note(line);
}

std::string curve_line(const model::CurvePoint& point) {
  char text[200];
  std::snprintf(text, sizeof text, "%6.1f CPU min  %8llu samples  exact %5.1f %% always, %5.1f / %5.1f / %5.1f %% at 5 / 10 / 20 %% false alarms",
                point.cpu_minutes, static_cast<unsigned long long>(point.samples_seen), 100 * point.exact_always, 100 * point.exact_at_5,
                100 * point.exact_at_10, 100 * point.exact_at_20);
  return text;
}

Result<fs::path> run_of(const Context& context, const std::string& named, const fs::path& dataset) {
  if (!named.empty()) return fs::path(named);
  const auto reader = storage::DatasetReader::open(dataset);
  if (!reader) return reader.error();
  return trainer::run_folder(context.data / "runs", context.config.train().model(), (*reader)->digest(),
                             runtime::stage_version(Stage::train, context.config));
}

void conclude(const Context& context, const fs::path& run, const model::TrainSummary& summary) {
  if (context.json) {
    std::printf("%s\n", trainer::summary_json(run, summary).c_str());
    return;
  }
  if (summary.already_done) note("already trained: this run has done its " + std::to_string(summary.steps) + " steps; another --run or another setting trains anew");
  std::printf("checkpoint   %s\n", summary.checkpoint.c_str());
  std::printf("trained      %llu steps, %llu samples, %.1f CPU minutes\n", static_cast<unsigned long long>(summary.steps),
              static_cast<unsigned long long>(summary.samples_seen), summary.cpu_minutes);
  std::printf("validation   %s\n", curve_line(summary.last).c_str());
  std::printf("next         mendel eval --checkpoint %s   or   mendel repair --checkpoint %s FILE.py\n", summary.checkpoint.c_str(), summary.checkpoint.c_str());
}

int train(Context& context, const TrainArguments& arguments) {
  auto& settings = *context.config.mutable_train();
  if (!arguments.model.empty()) settings.set_model(arguments.model);
  if (arguments.seed) context.config.set_seed(*arguments.seed);
  const fs::path dataset = arguments.dataset.empty() ? context.data / "dataset" : fs::path(arguments.dataset);
  const auto run = run_of(context, arguments.run, dataset);
  if (!run) return fail(run.error());
  say(context, "run " + run->string() + ": " + settings.model() + ", log in logs/training/stage_1.log");
  Progress progress(context, "training", static_cast<std::uint64_t>(settings.minutes() * kSecondsPerMinute), "CPU s");
  bool first = true;
  trainer::TrainRequest request;
  request.dataset = dataset;
  request.run = *run;
  request.note = [&](std::string_view line) { say(context, line); };
  request.on_step = [&](const model::StepReport& step) {
    if (first && step.step > 1) say(context, "goes on at step " + std::to_string(step.step));
    first = false;
    const auto total = static_cast<std::uint64_t>(settings.minutes() * kSecondsPerMinute);
    progress.set(std::min(total, static_cast<std::uint64_t>(step.cpu_minutes * kSecondsPerMinute)), total);
  };
  request.on_curve = [&](const model::CurvePoint& point) { say(context, curve_line(point)); };
  request.stop = interrupted;
  const auto summary = trainer::run_training(context.config, request);
  progress.finish();
  if (!summary && summary.error().code == ErrorCode::interrupted) {
    note("interrupted; the same command goes on from " + run->string());
    return kInterrupted;
  }
  if (!summary) return fail(summary.error());
  conclude(context, *run, *summary);
  return kDone;
}

std::function<int()> declare(CLI::App& app, Context& context) {
  const auto arguments = std::make_shared<TrainArguments>();
  declare_train_options(app, *arguments);
  return [arguments, &context] { return train(context, *arguments); };
}

}  // namespace

const Subcommand kTrainCommand = {kTrainText.name, kTrainText.summary, kTrainText.example, declare};

}  // namespace mendel::cli
