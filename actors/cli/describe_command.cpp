// mendel-trainer describe: the models by name, their parameters by part, and how they behave before any training.
#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "actors/cli/checkpoint.hpp"
#include "actors/cli/trainer_commands.hpp"
#include "actors/trainer/model_failure.hpp"
#include "model/baseline.hpp"
#include "model/presets.hpp"

namespace mendel::cli {
namespace {

using Json = nlohmann::ordered_json;

struct DescribeArguments {
  std::vector<std::string> models;
  bool baseline = false;
  std::string checkpoint;
};

void print_parts(const model::Preset& preset) {
  std::uint64_t all = 0;
  std::printf("%s: %s\n", preset.name, preset.about);
  for (const auto& [part, count] : model::parameters_by_part(preset.settings)) {
    std::printf("  %-32s %12llu\n", part.c_str(), static_cast<unsigned long long>(count));
    all += count;
  }
  std::printf("  %-32s %12llu  with a vocabulary of %u\n", "parameters", static_cast<unsigned long long>(all), preset.settings.vocabulary);
}

Json json_of(const model::Preset& preset) {
  Json parts = Json::object();
  std::uint64_t all = 0;
  for (const auto& [part, count] : model::parameters_by_part(preset.settings)) {
    parts[part] = count;
    all += count;
  }
  return {{"model", preset.name}, {"about", preset.about}, {"vocabulary", preset.settings.vocabulary}, {"parameters", all}, {"parts", parts}};
}

Json json_of(const model::Baseline& b) {
  Json out = {{"exact", b.exact}, {"cells", b.cells}, {"forward_ms", b.forward_ms}, {"memory_mb", b.memory_mb}};
  for (const auto& point : b.steps) out["steps"].push_back({{"steps", point.steps}, {"forward_ms", point.forward_ms}});
  return out;
}

void print_baseline(const model::Baseline& b, const char* state) {
  std::printf("  %s, one thread: exact repairs %.4f %%, %.1f ms a function of %u cells, %.1f MB more memory\n", state, 100 * b.exact, b.forward_ms, b.cells,
              b.memory_mb);
  for (const auto& point : b.steps) std::printf("    %3u steps %9.1f ms\n", point.steps, point.forward_ms);
}

int describe_checkpoint(const Context& context, const std::string& path) {
  const auto loaded = load_checkpoint(context, path);
  if (!loaded) return fail(loaded.error());
  const auto measured = model::measure_trained(loaded->path);
  if (!measured) return fail(trainer::error_of(measured.failure()));
  if (context.json) {
    std::printf("%s\n", Json({{"checkpoint", loaded->path.string()}, {"parameters", loaded->model->parameters()}, {"trained", json_of(*measured)}}).dump(1).c_str());
    return kDone;
  }
  std::printf("%s: %llu parameters\n", loaded->path.c_str(), static_cast<unsigned long long>(loaded->model->parameters()));
  print_baseline(*measured, "trained");
  return kDone;
}

int describe(const Context& context, const DescribeArguments& arguments) {
  if (!arguments.checkpoint.empty()) return describe_checkpoint(context, arguments.checkpoint);
  Json rows = Json::array();
  for (const auto& preset : model::presets()) {
    const auto& names = arguments.models;
    if (!names.empty() && std::find(names.begin(), names.end(), preset.name) == names.end()) continue;
    auto row = json_of(preset);
    if (!context.json) print_parts(preset);
    if (arguments.baseline) {
      const auto baseline = model::measure_baseline(preset.settings);
      if (!baseline) return fail(trainer::error_of(baseline.failure()));
      row["baseline"] = json_of(*baseline);
      if (!context.json) print_baseline(*baseline, "untrained");
    }
    rows.push_back(std::move(row));
  }
  if (context.json) std::printf("%s\n", rows.dump(1).c_str());
  return kDone;
}

std::function<int()> declare(CLI::App& app, Context& context) {
  const auto arguments = std::make_shared<DescribeArguments>();
  std::vector<std::string> names;
  for (const auto& preset : model::presets()) names.push_back(preset.name);
  app.add_option("MODEL", arguments->models, "which models; all of them if none is named")->check(CLI::IsMember(names));
  app.add_flag("--baseline", arguments->baseline, "also measure the untrained model: exact repairs, time, memory, time by steps");
  app.add_option("--checkpoint", arguments->checkpoint, "measure this trained model instead: a checkpoint or the folder of a run");
  return [arguments, &context] { return describe(context, *arguments); };
}

}  // namespace

const Subcommand kDescribeCommand = {"describe", "the models that can be trained, their parameters by part, how they are untrained",
                                     "  mendel-trainer describe\n"
                                     "  mendel-trainer describe trm-coderepair-7m --baseline\n"
                                     "  mendel-trainer describe --checkpoint runs/long\n"
                                     "  mendel-trainer --json describe", declare};

}  // namespace mendel::cli
