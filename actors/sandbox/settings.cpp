// From the configuration to absolute paths, all checked.
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "actors/sandbox/control_group.hpp"
#include "actors/sandbox/runner.hpp"
#include "actors/syntax/child_process.hpp"

namespace mendel::sandbox {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSystemPython = "/usr/bin/python3";

Error unavailable(std::string what) { return Error{ErrorCode::unavailable, "sandbox: " + std::move(what)}; }

// The sandbox runs as nobody where we are root, so each folder on the way must be open to everyone.
std::string closed_to_others(const fs::path& path) {
  fs::path so_far;
  for (const auto& part : path) {
    so_far /= part;
    struct stat info {};
    if (stat(so_far.c_str(), &info) != 0) return so_far.string();
    if ((info.st_mode & S_IXOTH) == 0 || (!S_ISDIR(info.st_mode) && (info.st_mode & S_IROTH) == 0)) return so_far.string();
  }
  return {};
}

// What an interpreter outside /usr needs: its base prefix, asked of itself.
Result<std::string> prefix_of(const std::string& interpreter) {
  syntax::ChildOptions options;
  options.argv = {interpreter, "-I", "-S", "-c", "import sys; print(sys.base_prefix, end='')"};
  options.timeout = std::chrono::seconds(20);
  const auto said = syntax::run_child(options);
  if (!said || said->exit_status != 0 || !said->output.starts_with('/'))
    return unavailable(interpreter + " cannot be run: set sandbox.interpreter to a CPython");
  return said->output == "/usr" ? std::string() : said->output;
}

}  // namespace

Result<Settings> settings_from(const mendel::Sandbox& config) {
  Settings out;
  out.backend = config.backend();
  out.image = config.image();
  out.program = config.program().empty() ? syntax::find_program(config.backend()) : config.program();
  if (out.program.empty() || access(out.program.c_str(), X_OK) != 0)
    return unavailable((out.program.empty() ? config.backend() : out.program) + " is not there: install " +
                       (config.backend() == "bwrap" ? "bubblewrap" : config.backend()) + ", or set sandbox.program");
  out.limits = {config.cpu_s(), config.wall_ms(), config.memory_mib(), config.disk_mib(), config.processes(), 64, std::uint64_t{config.output_kib()} << 10};
  if (out.backend != "bwrap") {
    out.interpreter = "python3";
    return out;
  }
  out.group = delegated_group().folder;
  std::error_code error;
  const auto named = config.interpreter().empty() ? std::string(kSystemPython) : config.interpreter();
  out.interpreter = fs::canonical(named, error).string();
  if (error) return unavailable(named + ": " + error.message() + "; install python3, or set sandbox.interpreter");
  auto prefix = prefix_of(out.interpreter);
  if (!prefix) return prefix.error();
  out.prefix = std::move(*prefix);
  for (const auto& folder : config.packages()) {
    out.packages.push_back(fs::canonical(folder, error).string());
    if (error) return unavailable("sandbox.packages: " + folder + ": " + error.message());
  }
  if (geteuid() != 0) return out;
  for (const auto* path : {&out.interpreter, &out.prefix})
    if (const auto closed = closed_to_others(*path); !path->empty() && !closed.empty())
      return unavailable("run as root, tests run as nobody, who may not read " + closed + ": set sandbox.interpreter to one that everyone may read, such as " + kSystemPython);
  for (const auto& folder : out.packages)
    if (const auto closed = closed_to_others(folder); !closed.empty())
      return unavailable("run as root, tests run as nobody, who may not read " + closed + ", named by sandbox.packages: open it to everyone");
  return out;
}

const char* name_of(Ending ending) {
  constexpr const char* kNames[] = {"passed", "failed", "ended early", "faked", "used up its processor time", "ran out of time", "used up its memory", "wrote too much"};
  return kNames[static_cast<std::size_t>(ending)];
}

}  // namespace mendel::sandbox
