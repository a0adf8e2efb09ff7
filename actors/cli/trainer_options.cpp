// Options of train, eval and repair as CLI11 declares them.
#include "actors/cli/trainer_options.hpp"

namespace mendel::cli {

void declare_train_options(CLI::App& app, TrainArguments& arguments) {
  app.add_option("--model", arguments.model, "which model (default: train.model of the configuration)");
  app.add_option("--dataset", arguments.dataset, "folder of the dataset (default: DATA/dataset)");
  app.add_option("--run", arguments.run, "folder of the run (default: DATA/runs/MODEL-DATASET-SETTINGS)");
  app.add_option("--seed", arguments.seed, "decides start and order (default: seed of the configuration)");
  app.add_flag("--gate", arguments.gate, "end with status 3 if a gate of train.stages is missed");
}

void declare_eval_options(CLI::App& app, EvalArguments& arguments) {
  app.add_option("--checkpoint", arguments.checkpoint, "checkpoint or folder of a run (default: the newest in DATA/runs)");
  app.add_option("--dataset", arguments.dataset, "folder of the dataset (default: DATA/dataset)");
  app.add_option("--split", arguments.split, "which part of it")->check(CLI::IsMember({"train", "validation", "test"}))->capture_default_str();
  app.add_option("--samples", arguments.samples, "about so many rows of it, chosen by their ids; 0: all")->capture_default_str();
  app.add_option("--out", arguments.out, "folder for benchmark_report.json and the other files (default: DATA/reports)");
  app.add_flag("--gate", arguments.gate, "end with status 3 if a minimum of the targets is missed (syntax 85 %, all 70 %)");
  app.add_option("--suite", arguments.suite, "score repairs of whole texts instead: one object a line, id, buggy, optionally fixed; - for stdin");
}

void declare_repair_options(CLI::App& app, RepairArguments& arguments) {
  app.add_option("FILE", arguments.file, "a Python file, - for stdin; with --json lines of {\"id\", \"code\"}")->required();
  app.add_flag("--write", arguments.write, "change the file instead of printing the difference");
  app.add_option("--candidates", arguments.candidates, "proposals that are tried in turn until one parses")->check(CLI::Range(1u, 100u))->capture_default_str();
  app.add_flag("--explain", arguments.explain, "say of every function what the model believes, on stderr");
  app.add_option("--false-alarms", arguments.false_alarms, "share of sound functions that may be edited, as calibrated (a fifth for each edit after the first); 1: always edit")
      ->check(CLI::Range(0.0, 1.0))->capture_default_str();
  app.add_option("--checkpoint", arguments.checkpoint, "checkpoint or folder of a run (default: the newest in DATA/runs)");
}

}  // namespace mendel::cli
