// What `mendel node` and `mendel-trainer node` share.
#include "actors/cli/node_options.hpp"

#include <algorithm>
#include <sstream>

#include "actors/cli/stop_request.hpp"

namespace mendel::cli {

void declare_node_options(CLI::App& app, NodeArguments& arguments) {
  app.add_option("--name", arguments.name, "name on the coordinator's allow-list")->type_name("NAME");
  app.add_option("--roles", arguments.roles, "comma separated: miner, mutator, linter, validator, encoder, trainer")->type_name("ROLES");
  app.add_option("--connect", arguments.connect, "the coordinator, tcp://HOST:PORT")->type_name("ADDRESS");
  app.add_option("--key", arguments.key, "this node's NAME.secret")->type_name("FILE");
  app.add_option("--server-key", arguments.server_key, "the coordinator's server.public")->type_name("FILE");
}

int run_node_command(const Context& context, const NodeArguments& arguments, runtime::TrainFunction train) {
  const std::pair<const char*, const std::string*> kRequired[] = {{"--name", &arguments.name}, {"--roles", &arguments.roles}, {"--connect", &arguments.connect},
                                                                  {"--key", &arguments.key}, {"--server-key", &arguments.server_key}};
  for (const auto& [option, value] : kRequired)
    if (value->empty()) return fail_use(std::string(option) + " is required");
  runtime::NodeOptions options;
  options.name = arguments.name;
  auto words = arguments.roles;
  std::replace(words.begin(), words.end(), '-', ',');  // names of service instances have no commas
  std::istringstream roles(words);
  for (std::string role; std::getline(roles, role, ',');)
    if (!role.empty()) options.roles.push_back(role);
  options.endpoint = arguments.connect;
  options.key_file = arguments.key;
  options.server_key_file = arguments.server_key;
  options.config = context.config;
  if (auto& mine = *options.config.mutable_mine(); mine.clones().empty()) mine.set_clones((context.data / "raw" / "git").string());
  options.data = context.data;
  if (auto& mine = *options.config.mutable_mine(); mine.releases().empty()) mine.set_releases((context.data / "raw" / "releases").string());
  options.train = std::move(train);
  options.stop = stop_request;
  options.log = [](std::string_view line) { note(line); };
  const auto ended = runtime::run_node(options);
  if (ended) return kDone;
  return ended.error().code == ErrorCode::invalid_input ? (fail(ended.error()), kWrongUse) : fail(ended.error());
}

}  // namespace mendel::cli
