// mendel config show|check: the effective configuration, where each value comes from, whether it holds.
#include <cstdio>
#include <nlohmann/json.hpp>

#include "actors/cli/commands.hpp"
#include "actors/cli/configuration.hpp"

namespace mendel::cli {
namespace {

int show(const Context& context) {
  const auto keys = configuration_keys(context.config);
  if (context.json) {
    nlohmann::ordered_json out = nlohmann::ordered_json::array();
    for (const auto& key : keys)
      out.push_back({{"key", key.path}, {"value", key.value}, {"origin", context.origins.at(key.path)}, {"type", key.type},
                     {"allowed", key.allowed}, {"help", key.help}});
    std::printf("%s\n", out.dump(1).c_str());
    return kDone;
  }
  std::size_t width = 0;
  for (const auto& key : keys) width = std::max(width, key.path.size() + key.value.size() + 3);
  for (const auto& key : keys) {
    const auto line = key.path + " = " + key.value;
    std::printf("%-*s  # %s; %s%s%s\n", static_cast<int>(std::min<std::size_t>(width, 48)), line.c_str(),
                context.origins.at(key.path).c_str(), key.help.c_str(), key.allowed.empty() ? "" : "; ", key.allowed.c_str());
  }
  return kDone;
}

std::function<int()> declare(CLI::App& app, Context& context) {
  app.require_subcommand(1);
  auto* show_app = app.add_subcommand("show", "print every key with its value, origin, meaning and bounds (valid TOML)")->fallthrough();
  app.add_subcommand("check", "only verify the configuration; status 2 and the reason if it does not hold")->fallthrough();
  return [show_app, &context] {
    if (show_app->parsed()) return show(context);
    note("configuration holds");
    return static_cast<int>(kDone);
  };
}

}  // namespace

const Subcommand kConfigCommand = {"config", "show or check the effective configuration",
                                   "  mendel config show\n  mendel --config plant.toml --set train.minutes=5 config check", declare};

}  // namespace mendel::cli
