// The options of train, eval and repair, declared once: `mendel-trainer` runs them, `mendel` shows the
// same help and completions and starts `mendel-trainer`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "actors/cli/context.hpp"

namespace mendel::cli {

struct TrainArguments {
  std::string model, dataset, run;
  bool gate = false;
  std::optional<std::uint32_t> seed;
};

struct EvalArguments {
  std::string checkpoint, dataset, split = "test", out, suite;
  bool gate = false;
  std::uint64_t samples = 0;  // about so many rows of the split, chosen by their ids; 0: all
};

struct RepairArguments {
  std::string file, checkpoint;
  bool write = false, explain = false;
  std::uint32_t candidates = 5;
  double false_alarms = 0.05;
};

void declare_train_options(CLI::App& app, TrainArguments& arguments);
void declare_eval_options(CLI::App& app, EvalArguments& arguments);
void declare_repair_options(CLI::App& app, RepairArguments& arguments);

// Name, summary and example of a command that both programs have.
struct SharedCommand {
  const char *name, *summary, *example;
};
inline constexpr SharedCommand kTrainText = {"train", "train a repair model on a dataset; goes on where it stopped",
                                             "  mendel train --dataset mendel-data/dataset\n"
                                             "  mendel --set train.minutes=60 train --run runs/long\n"
                                             "  mendel --config deploy/profiles/trm-curriculum.toml train --gate   # status 3 if a gate is missed\n"
                                             "  torchrun --no-python --nproc-per-node 2 mendel-trainer train --run runs/two\n"
                                             "  tail -f mendel-data/runs/*/logs/training/stage_1.log"};
inline constexpr SharedCommand kEvalText = {"eval", "how much a model repairs, beside doing nothing, by source, class and type",
                                            "  mendel eval --split test --out reports\n"
                                            "  mendel eval --checkpoint runs/long --dataset other-dataset --json\n"
                                            "  mendel eval --gate                         # status 3 if a minimum is missed\n"
                                            "  mendel eval --suite benchmark.jsonl"};
inline constexpr SharedCommand kRepairText = {"repair", "mend a Python file: prints a unified diff that parses, or nothing",
                                              "  mendel repair broken.py\n"
                                              "  mendel repair --false-alarms 0.2 --explain broken.py | patch -p1\n"
                                              "  mendel --json repair - <codes.jsonl        # {\"id\", \"code\"} a line"};

}  // namespace mendel::cli
