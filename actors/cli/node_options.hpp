// The options of `node`, the same in `mendel` and in `mendel-trainer`, and what runs after parsing.
#pragma once

#include <string>

#include "actors/cli/context.hpp"
#include "actors/runtime/node.hpp"

namespace mendel::cli {

struct NodeArguments {
  std::string name;
  std::string roles;  // comma separated
  std::string connect;
  std::string key;
  std::string server_key;
};

// Adds --name, --roles, --connect, --key, --server-key to `app`; `arguments` must outlive it.
void declare_node_options(CLI::App& app, NodeArguments& arguments);

// Joins and works until there is nothing more to do. `train` empty: the role trainer is refused. SIGTERM
// drains and ends with 0, SIGINT ends with 130, a node that is not let in ends with 1.
int run_node_command(const Context& context, const NodeArguments& arguments, runtime::TrainFunction train);

}  // namespace mendel::cli
