// Flags of bubblewrap 0.8, podman 4 and docker 20.
#include "actors/sandbox/command_line.hpp"

#include <filesystem>

namespace mendel::sandbox {
namespace {

namespace fs = std::filesystem;

constexpr const char* kNobody = "65534";
constexpr std::uint64_t kMib = 1u << 20;

using Words = std::vector<std::string>;

void add(Words& words, std::initializer_list<std::string> more) { words.insert(words.end(), more); }

// What programs of /usr expect at the root: links on a merged system, folders on an older one.
void add_root_folders(Words& words) {
  std::error_code error;
  for (const char* name : {"bin", "lib", "lib32", "lib64"}) {
    const auto path = fs::path("/") / name;
    if (fs::is_symlink(path, error)) add(words, {"--symlink", fs::read_symlink(path, error).string(), path.string()});
    else if (fs::is_directory(path, error)) add(words, {"--ro-bind", path.string(), path.string()});
  }
}

bool is_in_usr(const std::string& path) { return path.starts_with("/usr/"); }

void add_environment(Words& words, const char* flag, bool two_words) {
  for (const auto& [name, value] : {std::pair{"PATH", "/usr/local/bin:/usr/bin:/bin"}, std::pair{"HOME", "/box"}, std::pair{"TMPDIR", "/tmp"},
                                    std::pair{"LC_ALL", "C.UTF-8"}, std::pair{"TZ", "UTC"}, std::pair{"PYTHONHASHSEED", "0"},
                                    std::pair{"PYTHONDONTWRITEBYTECODE", "1"}}) {
    if (two_words) add(words, {flag, name, value});
    else add(words, {flag, std::string(name) + "=" + value});
  }
}

}  // namespace

std::vector<std::string> inner_packages(const Settings& settings) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < settings.packages.size(); ++i) out.push_back("/packages/" + std::to_string(i));
  return out;
}

std::vector<std::string> bwrap_command(const Settings& settings, const Limits& limits, int filter_descriptor, const Words& tail) {
  Words out{settings.program, "--unshare-user", "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts",
            "--uid", kNobody, "--gid", kNobody, "--hostname", "sandbox", "--new-session", "--cap-drop", "ALL", "--clearenv"};
  if (filter_descriptor >= 0) out.push_back("--die-with-parent");
  // The fork-server starts runs in groups beside its own, which it may not from a namespace of its own; each run makes one.
  if (filter_descriptor >= 0 || settings.group.empty()) out.push_back("--unshare-cgroup-try");
  add_environment(out, "--setenv", true);
  add(out, {"--ro-bind", "/usr", "/usr"});
  add_root_folders(out);
  for (const char* file : {"/etc/ld.so.cache", "/etc/alternatives"}) add(out, {"--ro-bind-try", file, file});
  if (!settings.prefix.empty() && !is_in_usr(settings.prefix)) add(out, {"--ro-bind", settings.prefix, settings.prefix});
  for (std::size_t i = 0; i < settings.packages.size(); ++i) add(out, {"--ro-bind", settings.packages[i], inner_packages(settings)[i]});
  const auto size = std::to_string(limits.disk_mib * kMib);
  add(out, {"--proc", "/proc", "--size", std::to_string(kMib), "--tmpfs", "/dev"});
  for (const char* device : {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"}) add(out, {"--dev-bind", device, device});
  add(out, {"--symlink", "/proc/self/fd", "/dev/fd", "--symlink", "/tmp", "/dev/shm", "--remount-ro", "/dev"});
  add(out, {"--size", size, "--tmpfs", "/box", "--size", size, "--tmpfs", "/tmp", "--remount-ro", "/", "--chdir", "/"});
  if (filter_descriptor >= 0) add(out, {"--seccomp", std::to_string(filter_descriptor)});
  add(out, {"--", settings.interpreter, "-s", "-c"});
  out.insert(out.end(), tail.begin(), tail.end());
  return out;
}

std::vector<std::string> container_command(const Settings& settings, const Limits& limits, std::string_view name, const Words& tail) {
  const auto memory = std::to_string(limits.memory_mib) + "m", disk = std::to_string(limits.disk_mib) + "m";
  Words out{settings.program, "run", "--rm", "--interactive", "--name", std::string(name), "--pull", "never", "--init", "--network", "none", "--read-only",
            "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--user", std::string(kNobody) + ":" + kNobody, "--ipc", "none",
            "--hostname", "sandbox", "--memory", memory, "--memory-swap", memory, "--pids-limit", std::to_string(limits.processes + 2)};
  for (const char* folder : {"/box", "/tmp"})
    add(out, {"--tmpfs", std::string(folder) + ":rw,nosuid,nodev,mode=1777,size=" + disk});
  for (std::size_t i = 0; i < settings.packages.size(); ++i) add(out, {"--volume", settings.packages[i] + ":" + inner_packages(settings)[i] + ":ro"});
  add_environment(out, "--env", false);
  add(out, {"--workdir", "/box", settings.image, settings.interpreter, "-s", "-c"});
  out.insert(out.end(), tail.begin(), tail.end());
  return out;
}

}  // namespace mendel::sandbox
