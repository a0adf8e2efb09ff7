// mendel-trainer parity: reference numbers of the original models beside ours.
#include <cstdio>
#include <nlohmann/json.hpp>

#include "actors/cli/trainer_commands.hpp"
#include "actors/trainer/model_failure.hpp"
#include "model/parity.hpp"

namespace mendel::cli {
namespace {

using Json = nlohmann::ordered_json;

int parity(const Context& context, const std::string& folder) {
  const auto groups = model::check_parity(folder);
  if (!groups) return fail(trainer::error_of(groups.failure()));
  bool met = true;
  Json rows = Json::array();
  for (const auto& g : *groups) {
    met = met && g.met();
    rows.push_back({{"file", g.file}, {"group", g.group}, {"tensors", g.tensors}, {"error", g.error}, {"gate", g.gate}, {"met", g.met()}, {"worst", g.worst}});
    if (context.json) continue;
    if (&g == &groups->front()) std::printf("%-56s %-22s %7s %9s %9s\n", "file", "group", "tensors", "error", "gate");
    std::printf("%-56s %-22s %7zu %9.1e %9.1e  %s\n", g.file.c_str(), g.group.c_str(), g.tensors, g.error, g.gate,
                g.met() ? "met" : ("MISSED: " + g.worst).c_str());
  }
  if (context.json) std::printf("%s\n", rows.dump(1).c_str());
  else std::printf("\nerror: largest |ours - theirs| / largest |theirs| of a tensor, the worst of the group\n");
  if (!met) note("parity: at least one group is past its gate");
  return met ? kDone : kGateMissed;
}

std::function<int()> declare(CLI::App& app, Context& context) {
  const auto folder = std::make_shared<std::string>();
  app.add_option("DIR", *folder, "folder with reference files (*.safetensors), subfolders included")->required();
  return [folder, &context] { return parity(context, *folder); };
}

}  // namespace

const Subcommand kParityCommand = {"parity", "the models beside their authors' numbers: largest relative error per group",
                                   "  mendel-trainer parity tests/golden/trm\n"
                                   "  mendel-trainer --json parity tests/golden/ctm", declare};

}  // namespace mendel::cli
