// mendel mine stackoverflow FILE|-: the subcommand of mine_command.cpp for dumps.
#pragma once

#include "actors/cli/context.hpp"

namespace mendel::cli {

// Declares the subcommand below `mine`; what it answers runs it.
std::function<int()> declare_mine_stackoverflow(CLI::App& mine, Context& context, CLI::App*& declared);

}  // namespace mendel::cli
