// mendel-trainer eval: a checkpoint against a held-out split, or against a suite of whole texts.
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "actors/cli/checkpoint.hpp"
#include "actors/cli/evaluation_log.hpp"
#include "actors/cli/trainer_commands.hpp"
#include "actors/cli/trainer_options.hpp"
#include "actors/trainer/evaluation_report.hpp"
#include "actors/trainer/repair.hpp"
#include "actors/trainer/several_bugs.hpp"
#include "actors/trainer/targets.hpp"
#include "actors/trainer/thinking.hpp"

namespace mendel::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

Result<storage::SplitName> split_from(const std::string& name) {
  for (const auto split : {storage::SplitName::train, storage::SplitName::validation, storage::SplitName::test})
    if (name == storage::name_of(split)) return split;
  return Error{ErrorCode::invalid_input, "no split \"" + name + "\""};
}

Outcome check_vocabulary(const LoadedCheckpoint& checkpoint, const trainer::TrainingData& data, const fs::path& dataset) {
  if (checkpoint.tokenizer.hash() == data.tokenizer.hash()) return Done{};
  return Error{ErrorCode::invalid_input, checkpoint.path.string() + ": was trained on the vocabulary " + checkpoint.tokenizer.hash() + ", " + dataset.string() +
                                             " is written in " + data.tokenizer.hash() + ": name the dataset it was trained on, or build this one with its --tokenizer"};
}

trainer::EvaluationFacts facts_of(const Context& context, const LoadedCheckpoint& checkpoint, const trainer::TrainingData& data, const EvalArguments& arguments,
                                  const fs::path& dataset) {
  trainer::EvaluationFacts out;
  out.checkpoint = checkpoint.path.string();
  out.model = checkpoint.model->settings().name;
  out.parameters = checkpoint.model->parameters();
  out.trained_on_digest = checkpoint.fact("dataset_digest");
  out.dataset = dataset.string();
  out.dataset_digest = data.reader->digest();
  out.split = arguments.split;
  out.cells_max_trained = context.config.train().cells_max();
  const auto trained = checkpoint.fact("cells_max");
  std::from_chars(trained.data(), trained.data() + trained.size(), out.cells_max_trained);
  return out;
}

// A report of its own beside benchmark_report.json, and its table after the others.
int report_further(const Context& context, const fs::path& file, const std::string& json, const std::string& table) {
  if (auto written = trainer::write_text(file, json); !written) return fail(written.error());
  if (!context.json) std::printf("\n%s", table.c_str());
  return kDone;
}

int report_several(const Context& context, const LoadedCheckpoint& checkpoint, const trainer::DatasetSamples& samples, const fs::path& out) {
  constexpr std::uint64_t kFunctionsMax = 1000;
  std::vector<trainer::SeveralLevel> levels;
  for (const auto& level : checkpoint.levels()) levels.push_back({level.share, level.margin, checkpoint.margin_again(level.share)});
  const auto rows = trainer::evaluate_several(*checkpoint.model, samples, levels, kFunctionsMax, interrupted);
  if (!rows) return fail(rows.error());
  return report_further(context, out / "several_bugs.json", trainer::several_json(*rows, levels), trainer::several_table(*rows, levels));
}

int report_thinking(const Context& context, const LoadedCheckpoint& checkpoint, const trainer::DatasetSamples& samples, const fs::path& out) {
  if (!trainer::thinks(checkpoint.model->settings())) return kDone;
  const auto rows = trainer::evaluate_thinking(*checkpoint.model, samples, interrupted);
  if (!rows) return fail(rows.error());
  return report_further(context, out / "thinking.json", trainer::thinking_json(*rows), trainer::thinking_table(*rows));
}

// Several bugs in a function, and steps of thinking.
int report_ways(const Context& context, const LoadedCheckpoint& checkpoint, const trainer::DatasetSamples& samples, const fs::path& out) {
  const int several = report_several(context, checkpoint, samples, out);
  return several == kDone ? report_thinking(context, checkpoint, samples, out) : several;
}

// With --gate a minimum that is missed ends the command with a status of its own.
int gated(const EvalArguments& arguments, const std::vector<trainer::TargetResult>& targets, int status) {
  const bool met = std::all_of(targets.begin(), targets.end(), [](const auto& t) { return t.minimum_met(); });
  return status == kDone && arguments.gate && !met ? kGateMissed : status;
}

int evaluate_split(const Context& context, const EvalArguments& arguments, LoadedCheckpoint& checkpoint, syntax::PythonChecker& checker, const fs::path& out) {
  const fs::path dataset = arguments.dataset.empty() ? context.data / "dataset" : fs::path(arguments.dataset);
  const auto data = trainer::open_training_data(dataset);
  if (!data) return fail(data.error());
  if (auto same = check_vocabulary(checkpoint, *data, dataset); !same) return fail(same.error());
  const auto split = split_from(arguments.split);
  if (!split) return fail(split.error());
  const auto samples = trainer::load_samples(*data, *split, model::kCellsMax, arguments.samples);
  if (!samples) return fail(samples.error());
  for (const auto& row : (*samples)->passed_over().damaged_rows) warn("passed over: " + row);
  if ((*samples)->size() == 0) return fail({ErrorCode::invalid_input, dataset.string() + ": the split " + arguments.split + " has no sample"});
  auto facts = facts_of(context, checkpoint, *data, arguments, dataset);
  facts.passed_over = (*samples)->passed_over();
  if (facts.split != "train" && facts.trained_on_digest != facts.dataset_digest)
    note("note: the model was trained on another dataset; this split may hold code that it has seen");
  Progress progress(context, "evaluating", (*samples)->size(), "samples");
  const auto outcomes = trainer::evaluate({*checkpoint.model, **samples, checkpoint.tokenizer, checker,
                                           [&](std::uint64_t done) { progress.set(done, (*samples)->size()); }, interrupted});
  progress.finish();
  if (!outcomes) return fail(outcomes.error());
  const auto levels = checkpoint.levels();
  const auto targets = trainer::against_targets(*outcomes, levels);
  if (auto written = trainer::write_report(out, facts, *outcomes, levels); !written) return fail(written.error());
  log_errors(context, facts.checkpoint, *outcomes);
  if (context.json) {
    std::fputs(trainer::benchmark_report(facts, *outcomes, levels).c_str(), stdout);
    return gated(arguments, targets, report_ways(context, checkpoint, **samples, out));
  }
  std::printf("%s (%.2f M parameters)\non the %s split of %s, digest %s\n\n%s", facts.checkpoint.c_str(), static_cast<double>(facts.parameters) / 1e6,
              facts.split.c_str(), facts.dataset.c_str(), facts.dataset_digest.c_str(), trainer::evaluation_table(*outcomes, levels).c_str());
  const auto passed_over = trainer::describe(facts.passed_over);
  if (!passed_over.empty()) std::printf("passed over: %s\n", passed_over.c_str());
  std::printf("\n%s", trainer::target_table(targets).c_str());
  std::printf("written: %s/benchmark_report.json, per_bug_type_metrics.csv, confusion_matrices/\n", out.c_str());
  return gated(arguments, targets, report_ways(context, checkpoint, **samples, out));
}

struct SuiteEntry {
  std::string id, buggy, fixed;
  bool has_fixed = false;
};

Result<std::vector<SuiteEntry>> read_suite(const std::string& path) {
  std::vector<SuiteEntry> out;
  auto read = each_line(path, [&](std::string_view line, std::uint64_t number) -> Outcome {
    if (line.find_first_not_of(" \t\r") == line.npos) return Done{};
    const auto json = Json::parse(line, nullptr, false);
    if (!json.is_object() || !json.contains("buggy") || !json["buggy"].is_string())
      return Error{ErrorCode::invalid_input, path + ":" + std::to_string(number) + ": no JSON object with a text \"buggy\""};
    SuiteEntry entry{json.contains("id") && json["id"].is_string() ? json["id"].get<std::string>() : std::to_string(number), json["buggy"], "", false};
    if (json.contains("fixed") && json["fixed"].is_string()) entry.fixed = json["fixed"], entry.has_fixed = true;
    out.push_back(std::move(entry));
    return Done{};
  });
  if (!read) return read.error();
  if (out.empty()) return Error{ErrorCode::invalid_input, path + ": an empty suite"};
  return out;
}

struct SuiteMetrics {
  std::string name;
  double margin, margin_again;
  trainer::Share changed, parses, exact;
};

int print_suite(const Context& context, const std::string& suite, const std::vector<SuiteMetrics>& metrics, const fs::path& out) {
  Json report = {{"suite", suite}};
  for (const auto& row : metrics) report[row.name] = {{"changed", json_of(row.changed)}, {"parses", json_of(row.parses)}, {"exact", json_of(row.exact)}};
  const auto text = report.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
  std::error_code error;
  fs::create_directories(out, error);
  if (auto written = trainer::write_text(out / "suite_report.json", text); !written) return fail(written.error());
  if (context.json) {
    std::fputs(text.c_str(), stdout);
    return kDone;
  }
  std::printf("%-12s %8s %10s %10s %16s\n", "share, %", "n", "changed", "parses", "exact (of n)");
  for (const auto& row : metrics)
    std::printf("%-12s %8llu %10.1f %10.1f %9.1f (%llu)\n", row.name.c_str(), static_cast<unsigned long long>(row.changed.n), 100 * row.changed.value(),
                100 * row.parses.value(), 100 * row.exact.value(), static_cast<unsigned long long>(row.exact.n));
  std::printf("identity: nothing is changed. at_N: N %% false alarms. written: %s/suite_report.json\n", out.c_str());
  return kDone;
}

int evaluate_suite(const Context& context, const EvalArguments& arguments, LoadedCheckpoint& checkpoint, syntax::PythonChecker& checker, const fs::path& out) {
  const auto suite = read_suite(arguments.suite);
  if (!suite) return fail(suite.error());
  std::vector<SuiteMetrics> metrics = {{"identity", 0, 0, {}, {}, {}}, {"always", checkpoint.margin(1), checkpoint.margin_again(1), {}, {}, {}}};
  for (const auto& level : checkpoint.levels()) metrics.push_back({level.name(), level.margin, checkpoint.margin_again(level.share), {}, {}, {}});
  trainer::Repairer repairer(*checkpoint.model, checkpoint.tokenizer, checker);
  Progress progress(context, "repairing", suite->size(), "texts");
  for (const auto& entry : *suite) {
    if (interrupted()) return fail({ErrorCode::interrupted, "interrupted"});
    for (auto& row : metrics) {
      trainer::RepairOptions options;
      options.margin = row.margin;
      options.margin_again = row.margin_again;
      options.rounds = row.name == "identity" ? 0 : options.rounds;
      options.whole = true;
      const auto result = repairer.repair(entry.buggy, options);
      if (!result) warn(arguments.suite + ": " + entry.id + " " + result.error().what);
      row.changed.add(result && result->changed);
      row.parses.add(result && result->parses);
      if (entry.has_fixed) row.exact.add((result ? result->text : entry.buggy) == entry.fixed);
    }
    progress.add();
  }
  progress.finish();
  return print_suite(context, arguments.suite, metrics, out);
}

int eval(const Context& context, const EvalArguments& arguments) {
  if (arguments.gate && !arguments.suite.empty()) return fail_use("--gate is about the targets on a split; a suite has none");
  auto checkpoint = load_checkpoint(context, arguments.checkpoint);
  if (!checkpoint) return fail(checkpoint.error());
  const auto checker = start_checker(context);
  if (!checker) return fail(checker.error());
  const fs::path out = arguments.out.empty() ? context.data / "reports" : fs::path(arguments.out);
  if (!arguments.suite.empty()) return evaluate_suite(context, arguments, *checkpoint, **checker, out);
  return evaluate_split(context, arguments, *checkpoint, **checker, out);
}

std::function<int()> declare(CLI::App& app, Context& context) {
  const auto arguments = std::make_shared<EvalArguments>();
  declare_eval_options(app, *arguments);
  return [arguments, &context] { return logged(context, runtime::LogFile::benchmark, eval(context, *arguments)); };
}

}  // namespace

const Subcommand kEvalCommand = {kEvalText.name, kEvalText.summary, kEvalText.example, declare};

}  // namespace mendel::cli
