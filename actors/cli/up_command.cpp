// mendel up: everything on one machine. mendel coordinator: the same without workers of its own.
#include <unistd.h>

#include "actors/cli/commands.hpp"
#include "actors/cli/plant_progress.hpp"
#include "actors/cli/sandbox_note.hpp"
#include "actors/runtime/github_source.hpp"

namespace mendel::cli {
namespace {

struct PlantArguments {
  std::string until;
  std::string listen;
};

constexpr const char* kUntilHelp = "collect, validate, dataset or train";

// What both commands share.
runtime::PlantOptions options_of(const Context& context, runtime::Until until, PlantProgress& progress) {
  runtime::PlantOptions options;
  options.config = context.config;
  options.data = context.data;
  options.until = until;
  options.stop = stop_request;
  options.watch = [&progress](const runtime::PlantView& view) { progress.show(view); };
  options.log = [](std::string_view line) { note(line); };
  return options;
}

int run(const Context& context, const runtime::PlantOptions& options, PlantProgress& progress) {
  auto view = runtime::run_plant(options);
  progress.finish();
  if (!view) return fail(view.error());
  if (view->status.phase() != "done") {
    note("stopped in the phase " + view->status.phase() + "; run the same command again to go on");
    return kDone;
  }
  print_plant(context, *view);
  return plant_status(*view);
}

// The program that trains lies beside this one.
Result<std::vector<std::string>> trainer_command(const Context& context) {
  const auto program = std::filesystem::path(context.program).parent_path() / "mendel-trainer";
  if (::access(program.c_str(), X_OK) != 0)
    return Error{ErrorCode::unavailable, program.string() + ": not there: this is built without the trainer; use --until dataset"};
  std::vector<std::string> command{program.string(), "--data", context.data.string()};
  command.insert(command.end(), context.config_arguments.begin(), context.config_arguments.end());
  for (const char* word : {"--set", "metrics.listen=", "node"}) command.emplace_back(word);
  return command;
}

int up(const Context& context, const PlantArguments& arguments) {
  const auto until = runtime::until_from(arguments.until);
  if (!until) return fail_use(until.error().what);
  const auto& sources = context.config.sources();
  if (sources.git_size() + sources.python_size() + sources.stackoverflow_size() + sources.releases_size() == 0 && !runtime::wants_github(context.config))
    return fail_use("no source is configured; name some, e.g. --set 'sources.python=[\"src\"]' --set 'sources.git=[\"~/src/flask\"]'");
  if (context.config.sandbox().plant()) note_missing_group(context.config);
  PlantProgress progress(context);
  auto options = options_of(context, *until, progress);
  options.roles = {"miner", "mutator", "linter", "validator", "encoder"};
  if (*until == runtime::Until::train) {
    auto command = trainer_command(context);
    if (!command) return fail(command.error());
    options.trainer = std::move(*command);
    options.listen = "tcp://127.0.0.1:*";
  }
  return run(context, options, progress);
}

int coordinate(const Context& context, const PlantArguments& arguments) {
  const auto until = runtime::until_from(arguments.until.empty() ? "train" : arguments.until);
  if (!until) return fail_use(until.error().what);
  PlantProgress progress(context);
  auto options = options_of(context, *until, progress);
  options.serve_on = arguments.until.empty();
  options.listen = arguments.listen;
  return run(context, options, progress);
}

std::function<int()> declare_up(CLI::App& app, Context& context) {
  const auto arguments = std::make_shared<PlantArguments>();
  arguments->until = "train";
  app.add_option("--until", arguments->until, std::string("stop once this is done: ") + kUntilHelp)->type_name("STAGE");
  return [arguments, &context] { return up(context, *arguments); };
}

std::function<int()> declare_coordinator(CLI::App& app, Context& context) {
  const auto arguments = std::make_shared<PlantArguments>();
  app.add_option("--listen", arguments->listen, "where nodes join, tcp://HOST:PORT")->type_name("ADDRESS")->required();
  app.add_option("--until", arguments->until, std::string("end once this is done: ") + kUntilHelp + " (default: serve on)")->type_name("STAGE");
  return [arguments, &context] { return coordinate(context, *arguments); };
}

}  // namespace

const Subcommand kUpCommand = {"up", "run the whole plant on this machine: collect, prove, encode, train",
                               "  mendel up --set 'sources.python=[\"src\"]' --until dataset\n"
                               "  mendel --config deploy/profiles/demo.toml --data mendel-data/demo up",
                               declare_up};
const Subcommand kCoordinatorCommand = {"coordinator", "own the plan and the store, and hand work to nodes of other machines",
                                        "  mendel keys init\n"
                                        "  mendel --config plant.toml coordinator --listen tcp://0.0.0.0:5599",
                                        declare_coordinator};

}  // namespace mendel::cli
