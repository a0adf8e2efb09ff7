// All subcommands of `mendel`, each defined in the file of its name.
#pragma once

#include "actors/cli/context.hpp"

namespace mendel::cli {

extern const Subcommand kConfigCommand;
extern const Subcommand kCoordinatorCommand;
extern const Subcommand kDatasetCommand;
extern const Subcommand kDeadCommand;
extern const Subcommand kDoctorCommand;
extern const Subcommand kEvalForward;
extern const Subcommand kGridCommand;
extern const Subcommand kKeysCommand;
extern const Subcommand kLintCommand;
extern const Subcommand kMineCommand;
extern const Subcommand kMutateCommand;
extern const Subcommand kNodeCommand;
extern const Subcommand kPairCommand;
extern const Subcommand kRepairForward;
extern const Subcommand kReportCommand;
extern const Subcommand kStatusCommand;
extern const Subcommand kTokenizerCommand;
extern const Subcommand kTopCommand;
extern const Subcommand kTraceCommand;
extern const Subcommand kTrainForward;
extern const Subcommand kUpCommand;
extern const Subcommand kValidateCommand;

}  // namespace mendel::cli
