// All subcommands of `mendel-trainer`, each defined in the file of its name.
#pragma once

#include "actors/cli/context.hpp"

namespace mendel::cli {

extern const Subcommand kDescribeCommand;
extern const Subcommand kEvalCommand;
extern const Subcommand kParityCommand;
extern const Subcommand kRepairCommand;
extern const Subcommand kTrainCommand;
extern const Subcommand kTrainerNodeCommand;

}  // namespace mendel::cli
