// mendel doctor: what this machine has of what a node needs; each failing row names its remedy.
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "actors/cli/commands.hpp"
#include "actors/runtime/keys.hpp"
#include "actors/runtime/plant.hpp"
#include "actors/sandbox/probe.hpp"
#include "actors/syntax/child_process.hpp"

namespace mendel::cli {
namespace {

namespace fs = std::filesystem;

enum class Health { good, optional, bad };

struct Finding {
  Health health = Health::good;
  std::string what;
  std::string remedy;
};

Finding probe_program(const std::string& configured, const char* name, const char* version_flag, Health if_missing, const char* remedy) {
  const auto path = configured.empty() ? syntax::find_program(name) : configured;
  if (path.empty()) return {if_missing, std::string(name) + " is not on PATH", remedy};
  syntax::ChildOptions options;
  options.argv = {path, version_flag};
  options.timeout = std::chrono::seconds(10);
  const auto ran = syntax::run_child(options);
  if (!ran) return {if_missing, path + ": " + ran.error().what, remedy};
  if (ran->exit_status != 0) return {if_missing, path + " ended with status " + std::to_string(ran->exit_status), remedy};
  auto said = ran->output.empty() ? ran->error_output : ran->output;
  said = said.substr(0, said.find('\n'));
  return {Health::good, said + " (" + path + ")", {}};
}

Finding probe_python(const Context& context) {
  return probe_program(context.config.python().interpreter(), "python3", "--version", Health::bad, "install python3, or set python.interpreter");
}

Finding probe_ruff(const Context& context) {
  return probe_program(context.config.lint().ruff(), "ruff", "--version", Health::bad, "run make deps (installed: PREFIX/lib/mendel/install-linters), or set lint.ruff; only the role linter needs it");
}

Finding probe_linters(const Context&) {
  std::string found, missing;
  for (const char* tool : {"pylint", "mypy", "bandit"}) {
    const auto probed = probe_program({}, tool, "--version", Health::optional, "");
    auto& list = probed.health == Health::good ? found : missing;
    list += (list.empty() ? "" : ", ") + std::string(tool);
  }
  if (missing.empty()) return {Health::good, found, {}};
  return {Health::optional, "not found: " + missing, "run make deps (installed: PREFIX/lib/mendel/install-linters); only lint.tools that name them need them"};
}

Finding probe_git(const Context&) {
  return probe_program({}, "git", "--version", Health::optional, "install git; only https repositories in sources.git need it");
}

Finding probe_sandbox(const Context& context) {
  const auto probed = sandbox::probe(context.config.sandbox());
  if (probed) return {Health::good, *probed, {}};
  const auto& what = probed.error().what;
  return {context.config.sandbox().plant() ? Health::bad : Health::optional, what, "only tests of pairs need it"};
}

Finding probe_disk(const Context& context) {
  constexpr std::uintmax_t kFreeMin = 2ull << 30;
  std::error_code error;
  auto folder = fs::absolute(context.data, error);
  while (!folder.empty() && !fs::exists(folder, error) && folder.has_parent_path() && folder != folder.parent_path()) folder = folder.parent_path();
  const auto space = fs::space(folder, error);
  if (error) return {Health::bad, folder.string() + ": " + error.message(), "name another folder with --data"};
  char text[160];
  std::snprintf(text, sizeof text, "%.1f GiB free at %s", static_cast<double>(space.available) / (1ull << 30), folder.c_str());
  if (::access(folder.c_str(), W_OK) != 0) return {Health::bad, folder.string() + " is not writable", "name another folder with --data"};
  if (space.available < kFreeMin) return {Health::bad, text, "make room, or name another folder with --data; a plant wants 2 GiB"};
  return {Health::good, text, {}};
}

Finding probe_keys(const Context& context) {
  const runtime::KeyFolder keys(runtime::keys_folder(context.data));
  if (!fs::exists(keys.folder())) return {Health::optional, "no keys yet", "mendel keys init; only plants of several machines need them"};
  const auto faults = keys.faults();
  if (!faults.empty()) return {Health::bad, faults.front().substr(0, faults.front().find("; run")), faults.front().substr(faults.front().find("run: ") + 5)};
  const auto allowed = keys.allowed();
  return {Health::good, std::to_string(allowed ? allowed->size() : 0) + " nodes on the allow-list, secrets are for the owner only", {}};
}

Finding probe_clock(const Context&) {
  using namespace std::chrono;
  constexpr auto kBuilt = sys_days{year{2024} / 1 / 1};
  if (system_clock::now() < kBuilt) return {Health::bad, "the clock is before 2024", "set it, e.g. with timedatectl; licences and logs carry dates"};
  const auto before = steady_clock::now();
  return steady_clock::now() < before ? Finding{Health::bad, "the monotonic clock goes backwards", "leases need it: use another kernel clock source"}
                                      : Finding{Health::good, "set; leases use the monotonic clock", {}};
}

Finding probe_gpu(const Context& context) {
  for (const char* device : {"/dev/nvidia0", "/dev/kfd"})
    if (fs::exists(device)) return {Health::good, device, {}};
  if (context.config.train().device() == "cuda")
    return {Health::bad, "none, but train.device is cuda", "install the driver, let this user open /dev/nvidia0 or /dev/kfd, or set train.device to auto or cpu"};
  return {Health::optional, "none", "training runs on the CPU"};
}

Finding probe_trainer(const Context& context) {
  const auto program = fs::path(context.program).parent_path() / "mendel-trainer";
  if (::access(program.c_str(), X_OK) == 0) return {Health::good, program.string(), {}};
  return {Health::optional, program.string() + " is not there", "this machine collects; training needs a build with LibTorch"};
}

struct ProbeRow {
  const char* name;
  Finding (*probe)(const Context&);
};
constexpr ProbeRow kProbes[] = {
    {"python", probe_python}, {"ruff", probe_ruff},   {"linters", probe_linters}, {"git", probe_git},     {"sandbox", probe_sandbox}, {"disk", probe_disk},
    {"keys", probe_keys},     {"clock", probe_clock}, {"gpu", probe_gpu},     {"trainer", probe_trainer},
};

const char* word_of(Health health) { return health == Health::good ? "ok" : health == Health::optional ? "none" : "FAIL"; }

int diagnose(const Context& context) {
  auto json = nlohmann::ordered_json::array();
  bool bad = false;
  for (const auto& row : kProbes) {
    const auto finding = row.probe(context);
    bad = bad || finding.health == Health::bad;
    if (context.json) json.push_back({{"probe", row.name}, {"result", word_of(finding.health)}, {"found", finding.what}, {"remedy", finding.remedy}});
    else std::printf("%-4s  %-8s  %s%s\n", word_of(finding.health), row.name, finding.what.c_str(), finding.remedy.empty() ? "" : (" — " + finding.remedy).c_str());
  }
  if (context.json) std::printf("%s\n", json.dump().c_str());
  return bad ? kFailed : kDone;
}

std::function<int()> declare(CLI::App&, Context& context) {
  return [&context] { return diagnose(context); };
}

}  // namespace

const Subcommand kDoctorCommand = {"doctor", "probe what a node needs on this machine; every failure names its remedy", "  mendel doctor\n  mendel --json doctor", declare};

}  // namespace mendel::cli
