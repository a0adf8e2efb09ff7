// mendel node: joins a coordinator and works; mendel node drain NAME: lets one finish.
#include "actors/cli/commands.hpp"
#include "actors/cli/coordinator_question.hpp"
#include "actors/cli/node_options.hpp"
#include "actors/cli/sandbox_note.hpp"

namespace mendel::cli {
namespace {

int drain(const Context& context, const std::string& name) {
  Envelope question;
  question.mutable_drain()->set_node(name);
  const auto answer = ask(context, question);
  if (!answer) return fail(answer.error());
  if (answer->has_goodbye()) return fail({ErrorCode::not_found, answer->goodbye().reason() + "; see: mendel status"});
  note("node " + name + " finishes what it holds and takes no more");
  return kDone;
}

std::function<int()> declare(CLI::App& app, Context& context) {
  const auto arguments = std::make_shared<NodeArguments>();
  const auto name = std::make_shared<std::string>();
  declare_node_options(app, *arguments);
  auto* draining = app.add_subcommand("drain", "let a node finish what it holds and take no more (on the coordinator)")->fallthrough();
  draining->add_option("NAME", *name, "as in `mendel status`")->required();
  return [arguments, name, draining, &context] {
    if (!draining->parsed() && arguments->roles.find("validator") != std::string::npos) note_missing_group(context.config);
    return draining->parsed() ? drain(context, *name) : run_node_command(context, *arguments, {});
  };
}

}  // namespace

const Subcommand kNodeCommand = {"node", "join a coordinator and work for it",
                                 "  mendel node --name collector-1 --roles miner,mutator,linter,validator --connect tcp://plant:5599 \\\n"
                                 "    --key collector-1.secret --server-key server.public\n"
                                 "  mendel node drain collector-1",
                                 declare};

}  // namespace mendel::cli
