// mendel-trainer node: the node of `mendel`, with the role trainer.
#include "actors/cli/node_options.hpp"
#include "actors/cli/trainer_commands.hpp"
#include "actors/trainer/training_run.hpp"

namespace mendel::cli {
namespace {

std::function<int()> declare(CLI::App& app, Context& context) {
  const auto arguments = std::make_shared<NodeArguments>();
  declare_node_options(app, *arguments);
  return [arguments, &context] {
    // Pinned to its device from the start: a node that cannot train there takes no work.
    if (const auto why = model::device_fault(context.config.train().device()); !why.empty()) return fail({ErrorCode::unavailable, "train." + why});
    return run_node_command(context, *arguments, trainer::run_train_item);
  };
}

}  // namespace

const Subcommand kTrainerNodeCommand = {"node", "join a coordinator and train what it hands out",
                                        "  mendel-trainer node --name gpu --roles trainer --connect tcp://10.0.0.5:7755 \\\n"
                                        "      --key gpu.secret --server-key server.public",
                                        declare};

}  // namespace mendel::cli
