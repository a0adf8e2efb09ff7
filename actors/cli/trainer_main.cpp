// mendel-trainer: what needs LibTorch. The table below is the list of its commands.
#include "actors/cli/application.hpp"
#include "actors/cli/trainer_commands.hpp"

int main(int argc, char** argv) {
  using namespace mendel::cli;
  static const Subcommand* const kCommands[] = {
      &kTrainCommand,
      &kEvalCommand,
      &kRepairCommand,
      &kDescribeCommand,
      &kParityCommand,
      &kTrainerNodeCommand,
  };
  return run_application({"mendel-trainer", "Trains small models on datasets of buggy and fixed Python code, scores them, and mends files with them.",
                          "  mendel-trainer train --dataset mendel-data/dataset\n"
                          "  mendel-trainer eval --split test\n"
                          "  mendel-trainer repair broken.py",
                          kCommands},
                         argc, argv);
}
