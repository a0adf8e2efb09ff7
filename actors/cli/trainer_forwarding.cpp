// mendel train|eval|repair: started in mendel-trainer, so that a collector node needs no LibTorch.
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "actors/cli/commands.hpp"
#include "actors/cli/trainer_options.hpp"

namespace mendel::cli {
namespace {

// Becomes mendel-trainer with the same arguments; answers only if that fails.
int become_trainer(const Context& context) {
  const auto program = std::filesystem::path(context.program).parent_path() / "mendel-trainer";
  std::vector<std::string> words = {program.string()};
  words.insert(words.end(), context.arguments.begin(), context.arguments.end());
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  execv(program.c_str(), argv.data());
  if (errno == ENOENT)
    return fail({ErrorCode::unavailable, program.string() + " is not there: this installation has no part that trains; build it with `make build`, "
                                                            "or run the command on a node that has it"});
  return fail({ErrorCode::io_error, program.string() + ": " + std::strerror(errno)});
}

template <class Arguments, void (*declare_options)(CLI::App&, Arguments&)>
std::function<int()> declare(CLI::App& app, Context& context) {
  const auto arguments = std::make_shared<Arguments>();
  declare_options(app, *arguments);
  return [arguments, &context] { return become_trainer(context); };
}

}  // namespace

const Subcommand kTrainForward = {kTrainText.name, kTrainText.summary, kTrainText.example, declare<TrainArguments, declare_train_options>};
const Subcommand kEvalForward = {kEvalText.name, kEvalText.summary, kEvalText.example, declare<EvalArguments, declare_eval_options>};
const Subcommand kRepairForward = {kRepairText.name, kRepairText.summary, kRepairText.example, declare<RepairArguments, declare_repair_options>};

}  // namespace mendel::cli
