// mendel-trainer train: a dataset in, a run folder with a checkpoint out; a second run goes on or says that it is done.
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "actors/cli/trainer_commands.hpp"
#include "actors/cli/trainer_options.hpp"
#include "actors/runtime/stages.hpp"
#include "actors/trainer/curriculum.hpp"
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

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value ? value : "";
}

// This process among several, as torchrun tells each; without WORLD_SIZE there is one.
Result<model::Group> group_of_environment() {
  model::Group out;
  if (variable("WORLD_SIZE").empty()) return out;
  const auto number = [](const char* name, auto& to) -> Outcome {
    const auto text = variable(name);
    const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), to);
    if (!text.empty() && error == std::errc{} && at == text.data() + text.size()) return Done{};
    return Error{ErrorCode::invalid_input, std::string(name) + " is \"" + text + "\", which is no number that fits; WORLD_SIZE asks for RANK, MASTER_ADDR and MASTER_PORT beside it"};
  };
  for (const auto& [name, to] : {std::pair{"WORLD_SIZE", &out.size}, std::pair{"RANK", &out.rank}})
    if (auto read = number(name, *to); !read) return read.error();
  if (auto read = number("MASTER_PORT", out.port); !read) return read.error();
  out.address = variable("MASTER_ADDR");
  out.has_store = variable("TORCHELASTIC_USE_AGENT_STORE") == "True";
  if (const auto attempt = variable("TORCHELASTIC_RESTART_COUNT"); !attempt.empty()) out.attempt = attempt;
  out.interface = variable("GLOO_SOCKET_IFNAME");
  if (!variable("LOCAL_RANK").empty())
    if (auto read = number("LOCAL_RANK", out.local_rank); !read) return read.error();
  return out;
}

Result<fs::path> run_of(const Context& context, const std::string& named, const fs::path& dataset) {
  if (!named.empty()) return fs::path(named);
  const auto reader = storage::DatasetReader::open(dataset);
  if (!reader) return reader.error();
  return trainer::run_folder(context.data / "runs", context.config.train().model(), (*reader)->digest(),
                             runtime::stage_version(Stage::train, context.config));
}

std::string gate_line(const model::GateResult& gate) {
  return gate.stage + " gate " + (gate.met ? "met" : "missed") + ": " + gate.text + " (" + trainer::measured_text(gate) + ")";
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
  if (!summary.gates.empty())
    std::printf("gates        %lld of %zu met, see gates.json\n%s", static_cast<long long>(std::count_if(summary.gates.begin(), summary.gates.end(), [](const auto& g) { return g.met; })),
                summary.gates.size(), trainer::gate_table(context.config.train(), summary.gates).c_str());
  std::printf("next         mendel eval --checkpoint %s   or   mendel repair --checkpoint %s FILE.py\n", summary.checkpoint.c_str(), summary.checkpoint.c_str());
}

int train(Context& context, const TrainArguments& arguments) {
  auto& settings = *context.config.mutable_train();
  if (!arguments.model.empty()) settings.set_model(arguments.model);
  if (arguments.seed) context.config.set_seed(*arguments.seed);
  if (arguments.gate && settings.stages_size() == 0)
    return fail_use("--gate asks for the gates of a curriculum, but train.stages is empty; deploy/profiles/trm-curriculum.toml has one");
  const auto group = group_of_environment();
  if (!group) return fail(group.error());
  const fs::path dataset = arguments.dataset.empty() ? context.data / "dataset" : fs::path(arguments.dataset);
  const auto run = run_of(context, arguments.run, dataset);
  if (!run) return fail(run.error());
  const auto rank = group->size > 1 ? ", rank " + std::to_string(group->rank) + " of " + std::to_string(group->size) : std::string();
  say(context, "run " + run->string() + ": " + settings.model() + rank + ", log in logs/training/stage_" + (settings.stages_size() > 0 ? "N" : "1") + ".log");
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
  request.group = *group;
  request.on_gate = [&](const model::GateResult& gate) { say(context, gate_line(gate)); };
  request.on_curve = [&](const model::CurvePoint& point) { say(context, curve_line(point)); };
  request.stop = interrupted;
  const auto summary = trainer::run_training(context.config, request);
  progress.finish();
  if (!summary && summary.error().code == ErrorCode::interrupted) {
    note("interrupted; the same command goes on from " + run->string());
    return kInterrupted;
  }
  if (!summary) return fail(summary.error());
  if (group->rank == 0) conclude(context, *run, *summary);
  return arguments.gate && !trainer::all_met(summary->gates) ? kGateMissed : kDone;
}

std::function<int()> declare(CLI::App& app, Context& context) {
  const auto arguments = std::make_shared<TrainArguments>();
  declare_train_options(app, *arguments);
  return [arguments, &context] { return train(context, *arguments); };
}

}  // namespace

const Subcommand kTrainCommand = {kTrainText.name, kTrainText.summary, kTrainText.example, declare};

}  // namespace mendel::cli
