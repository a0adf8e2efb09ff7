// One place where arguments are parsed, so that every subcommand has the same global options.
#include "actors/cli/application.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>

#include "actors/cli/configuration.hpp"

extern char** environ;

namespace mendel::cli {
namespace {

struct GlobalOptions {
  std::string config_file;
  std::string data;
  std::vector<std::string> settings;
  std::string log_level;
  bool json = false;
};

struct Declared {
  CLI::App* app;
  std::function<int()> run;
};

std::string own_path(const char* argv0) {
  std::error_code error;
  const auto path = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? std::string(argv0) : path.string();
}

void declare_globals(CLI::App& app, GlobalOptions& options) {
  app.add_option("--config", options.config_file, "configuration file (TOML)")->type_name("FILE");
  app.add_option("--data", options.data, "the one folder that a plant writes to (default ./mendel-data)")->type_name("DIR");
  app.add_option("--set", options.settings, "set one configuration key, e.g. train.minutes=5; may be repeated")
      ->type_name("KEY=VALUE")->take_all()->allow_extra_args(false);
  app.add_option("--log-level", options.log_level, "debug, info, warning or error")
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}));
  app.add_flag("--json", options.json, "listings as JSON");
}

bool no_colour() {
  const char* value = std::getenv("NO_COLOR");
  return value != nullptr && *value != '\0';
}

Outcome fill_context(const GlobalOptions& options, Context& context) {
  ConfigurationSources sources;
  sources.file = options.config_file;
  sources.settings = options.settings;
  for (char** entry = environ; *entry != nullptr; ++entry) sources.environment.emplace_back(*entry);
  if (!options.log_level.empty()) sources.settings.push_back("log.level=" + options.log_level);
  auto loaded = load_configuration(sources);
  if (!loaded) return loaded.error();
  for (const auto& warning : loaded->warnings) warn(warning);
  context.config = loaded->message;
  context.origins = loaded->origins;
  if (!options.data.empty()) context.data = options.data;
  else if (const char* data = std::getenv("MENDEL_DATA"); data != nullptr && *data != '\0') context.data = data;
  context.json = options.json;
  context.terminal_err = isatty(STDERR_FILENO) == 1;
  context.colour_err = context.terminal_err && !no_colour();
  context.colour_out = isatty(STDOUT_FILENO) == 1 && !no_colour();
  if (!options.config_file.empty()) context.config_arguments.insert(context.config_arguments.end(), {"--config", options.config_file});
  for (const auto& setting : options.settings) context.config_arguments.insert(context.config_arguments.end(), {"--set", setting});
  return Done{};
}

// CLI11 only says that a command is required; people want to know which word was wrong.
std::string unknown_command(const CLI::App& app, int argc, char** argv) {
  std::vector<std::string> names;
  for (const auto* sub : app.get_subcommands([](const CLI::App*) { return true; })) names.push_back(sub->get_name());
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--config" || word == "--data" || word == "--set" || word == "--log-level") ++i;
    if (word.starts_with("-")) continue;
    if (std::find(names.begin(), names.end(), word) != names.end()) return {};
    const auto near = nearest(word, names);
    return "unknown command \"" + word + "\"" + (near.empty() ? "" : "; did you mean \"" + near + "\"?");
  }
  return {};
}

int run_parsed(const std::vector<Declared>& declared, const GlobalOptions& globals, Context& context) {
  for (const auto& command : declared) {
    if (!command.app->parsed()) continue;
    if (auto filled = fill_context(globals, context); !filled) {
      fail(filled.error());
      return kWrongUse;
    }
    const int status = command.run();
    std::cout.flush();
    if (std::fflush(stdout) != 0 || !std::cout) return status == kDone ? static_cast<int>(kFailed) : status;
    return status;
  }
  return kWrongUse;
}

}  // namespace

int run_application(const Application& application, int argc, char** argv) {
  install_interrupt_handler();
  CLI::App app{application.description, application.name};
  app.set_version_flag("--version", std::string(application.name) + " " + MENDEL_VERSION);
  app.set_help_all_flag("--help-all", "help of all commands");
  app.require_subcommand(1);
  app.fallthrough();
  app.footer(std::string("Examples:\n") + application.examples + "\nExit status: 0 done; 1 failed; 2 wrong use or configuration; "
             "3 a gate was missed;\n4 finished with items in the dead letters or quarantine; 130 interrupted, resumable.");
  GlobalOptions globals;
  declare_globals(app, globals);
  Context context;
  context.program = own_path(argv[0]);
  context.arguments.assign(argv + 1, argv + argc);
  std::vector<Declared> declared;
  for (const auto* command : application.commands) {
    auto* sub = app.add_subcommand(command->name, command->summary);
    sub->fallthrough();
    sub->footer(std::string("Examples:\n") + command->example);
    declared.push_back({sub, command->declare(*sub, context)});
  }
  auto* man = app.add_subcommand("man", "print the man page (troff), generated from these help texts");
  auto* completion = app.add_subcommand("completion", "print the completion script for bash, zsh or fish");
  std::string shell;
  completion->add_option("SHELL", shell)->required()->check(CLI::IsMember({"bash", "zsh", "fish"}));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    if (const auto message = unknown_command(app, argc, argv); !message.empty()) return fail_use(message);
    return fail_use(error.what());
  }
  if (man->parsed()) {
    std::cout << man_page(app);
    return kDone;
  }
  if (completion->parsed()) {
    std::cout << completion_script(app, shell);
    return kDone;
  }
  return run_parsed(declared, globals, context);
}

}  // namespace mendel::cli
