// mendel: everything but training. The table below is the list of its commands.
#include "actors/cli/application.hpp"
#include "actors/cli/commands.hpp"

int main(int argc, char** argv) {
  using namespace mendel::cli;
  static const Subcommand* const kCommands[] = {
      &kUpCommand,
      &kCoordinatorCommand,
      &kNodeCommand,
      &kKeysCommand,
      &kStatusCommand,
      &kTopCommand,
      &kReportCommand,
      &kDeadCommand,
      &kDoctorCommand,
      &kConfigCommand,
      &kMineCommand,
      &kMutateCommand,
      &kLintCommand,
      &kValidateCommand,
      &kTokenizerCommand,
      &kGridCommand,
      &kDatasetCommand,
      &kPairCommand,
      &kTraceCommand,
      &kTrainForward,
      &kEvalForward,
      &kRepairForward,
  };
  return run_application({"mendel", "Breeds, proves and encodes pairs of buggy and fixed Python code, and trains small models on them.",
                          "  mendel up --set 'sources.python=[\"src\"]'          # everything on one machine\n"
                          "  mendel mutate src | mendel validate --keep - >pairs.jsonl\n"
                          "  mendel repair broken.py",
                          kCommands},
                         argc, argv);
}
