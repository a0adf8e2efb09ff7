// The frame around the subcommands: global options, configuration, help, man page, completions.
#pragma once

#include <span>
#include <string>

#include "actors/cli/context.hpp"

namespace mendel::cli {

struct Application {
  const char* name;
  const char* description;
  const char* examples;
  std::span<const Subcommand* const> commands;
};

// Parses, loads the configuration, runs one subcommand. Answers the exit status (Exit).
int run_application(const Application& application, int argc, char** argv);

// Generated from the same table as the help texts.
std::string man_page(const CLI::App& app);
// shell: bash, zsh or fish; empty for any other.
std::string completion_script(const CLI::App& app, const std::string& shell);

}  // namespace mendel::cli
