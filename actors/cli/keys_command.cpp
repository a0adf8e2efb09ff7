// mendel keys: the allow-list and its key files.
#include <cstdio>
#include <nlohmann/json.hpp>

#include "actors/cli/commands.hpp"
#include "actors/runtime/keys.hpp"
#include "actors/runtime/plant.hpp"

namespace mendel::cli {
namespace {

runtime::KeyFolder folder_of(const Context& context) { return runtime::KeyFolder(runtime::keys_folder(context.data)); }

int init(const Context& context) {
  const auto keys = folder_of(context);
  const auto made = keys.init();
  if (!made) return fail(made.error());
  note(*made ? "made the coordinator's keys in " + keys.folder().string() : keys.folder().string() + " has the coordinator's keys already; kept");
  return kDone;
}

int add(const Context& context, const std::string& node) {
  const auto keys = folder_of(context);
  if (auto added = keys.add(node); !added) return added.error().code == ErrorCode::invalid_input ? fail_use(added.error().what) : fail(added.error());
  note("node " + node + " may join. Give it these two files:");
  std::printf("%s\n%s\n", keys.secret_file(node).c_str(), keys.public_file("server").c_str());
  return kDone;
}

int list(const Context& context) {
  const auto keys = folder_of(context);
  const auto allowed = keys.allowed();
  if (!allowed) return fail({allowed.error().code, allowed.error().what + "; make keys with: mendel keys init"});
  std::map<std::string, std::string> by_name;
  for (const auto& [key, name] : *allowed) by_name[name] = key;
  auto json = nlohmann::ordered_json::array();
  for (const auto& [name, key] : by_name) {
    if (context.json) json.push_back({{"node", name}, {"public", key}});
    else std::printf("%-24s %s\n", name.c_str(), key.c_str());
  }
  if (context.json) std::printf("%s\n", json.dump().c_str());
  for (const auto& fault : keys.faults()) warn(fault);
  return kDone;
}

int revoke(const Context& context, const std::string& node) {
  if (auto revoked = folder_of(context).revoke(node); !revoked) return fail(revoked.error());
  note("node " + node + " is no longer on the allow-list; a running coordinator cuts it off at once");
  return kDone;
}

std::function<int()> declare(CLI::App& app, Context& context) {
  const auto node = std::make_shared<std::string>();
  app.require_subcommand(1);
  auto* initialise = app.add_subcommand("init", "make the coordinator's keys; keeps what exists")->fallthrough();
  auto* adding = app.add_subcommand("add", "make keys for a node and let it in")->fallthrough();
  adding->add_option("NODE", *node)->required();
  auto* listing = app.add_subcommand("list", "the nodes that may join")->fallthrough();
  auto* revoking = app.add_subcommand("revoke", "remove a node's keys: it is cut off at once")->fallthrough();
  revoking->add_option("NODE", *node)->required();
  return [=, &context] {
    if (initialise->parsed()) return init(context);
    if (adding->parsed()) return add(context, *node);
    return listing->parsed() ? list(context) : revoke(context, *node);
  };
}

}  // namespace

const Subcommand kKeysCommand = {"keys", "the keys of the plant and the list of nodes that may join",
                                 "  mendel keys init\n  mendel keys add collector-1\n  mendel keys revoke collector-1", declare};

}  // namespace mendel::cli
