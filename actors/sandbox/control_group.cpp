// Each limit is a file of the group's folder.
#include "actors/sandbox/control_group.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <vector>

namespace mendel::sandbox {
namespace {

constexpr const char* kRemedy = "; the shipped validator service has one (Delegate=yes), by hand: systemd-run --scope -p Delegate=yes mendel …";
constexpr const char* kOurs = "mendel";  // the group that we move into
constexpr const char* kOneCore = "100000 100000";  // microseconds of each 100 ms
constexpr std::uint64_t kMib = 1u << 20;
constexpr std::uint32_t kProcessesOfOurs = 4;  // of bubblewrap, and the first one in a run's namespaces
constexpr int kEndMsMax = 2000;

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

bool put(const std::string& path, const std::string& text) {
  syntax::Descriptor file(open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
  return file.is_open() && write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

bool has_word(const std::string& text, const std::string& word) {
  std::istringstream words(text);
  for (std::string one; words >> one;)
    if (one == word) return true;
  return false;
}

// `NAME NUMBER` lines.
std::optional<std::uint64_t> number_in(const std::string& text, const std::string& name) {
  std::istringstream lines(text);
  std::uint64_t number = 0;
  for (std::string one; lines >> one >> number;)
    if (one == name) return number;
  return std::nullopt;
}

// Where version 2 is mounted, and our group in it.
std::string own_folder() {
  std::string mounted, group;
  std::ifstream mounts("/proc/self/mounts");
  for (std::string line; mounted.empty() && std::getline(mounts, line);) {
    std::istringstream words(line);
    std::string from, at, type;
    words >> from >> at >> type;
    if (type == "cgroup2") mounted = at;
  }
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);)
    if (line.starts_with("0::")) group = line.substr(3);
  if (mounted.empty() || group.empty()) return {};
  return group == "/" ? mounted : mounted + group;
}

// Us and whom we started.
bool are_all_ours(const std::string& processes) {
  std::istringstream words(processes);
  for (long pid = 0; words >> pid;) {
    for (long at = pid; at != getpid();) {
      const auto stat = text_of("/proc/" + std::to_string(at) + "/stat");
      const auto end = stat.rfind(')');
      std::istringstream rest(end == std::string::npos ? std::string() : stat.substr(end + 1));
      std::string state;
      if (!(rest >> state >> at) || at <= 1) return false;
    }
  }
  return true;
}

}  // namespace

Delegated take_over(const std::string& own) {
  if (own.empty()) return {{}, std::string("no cgroup of version 2 is mounted: boot with systemd.unified_cgroup_hierarchy=1")};
  const auto controllers = text_of(own + "/cgroup.controllers");
  for (const char* name : {"memory", "pids"})
    if (!has_word(controllers, name)) return {{}, own + " has no controller " + name + kRemedy};
  if (access((own + "/cgroup.subtree_control").c_str(), W_OK) != 0) return {{}, own + " may not be written to" + kRemedy};
  const auto processes = text_of(own + "/cgroup.procs");
  if (!are_all_ours(processes)) return {{}, own + " is shared with other processes" + kRemedy};
  const auto ours = own + "/" + kOurs;
  if (mkdir(ours.c_str(), 0755) != 0 && errno != EEXIST) return {{}, ours + ": " + std::strerror(errno) + kRemedy};
  std::istringstream words(processes);
  for (std::string pid; words >> pid;) put(ours + "/cgroup.procs", pid);
  const bool has_cpu = has_word(controllers, "cpu");
  if (!put(own + "/cgroup.subtree_control", std::string("+memory +pids") + (has_cpu ? " +cpu" : ""))) return {{}, own + " hands no controllers down: " + std::strerror(errno) + kRemedy};
  return {own, {}};
}

const Delegated& delegated_group() {
  static const Delegated found = take_over(own_folder());
  return found;
}

Result<ControlGroup> ControlGroup::make(const std::string& parent, const Limits& limits, std::optional<uid_t> user) {
  static std::atomic<std::uint64_t> count{0};
  const auto path = parent + "/run-" + std::to_string(getpid()) + "-" + std::to_string(++count);
  const auto failed = [&](const std::string& what) { return Error{ErrorCode::unavailable, "sandbox: " + what + ": " + std::strerror(errno)}; };
  if (mkdir(path.c_str(), 0755) != 0) return failed(path);
  ControlGroup out(path, syntax::Descriptor(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)));
  if (!out.folder_.is_open()) return failed(path);
  struct Limit {
    const char *controller, *file;
    std::string value;
  };
  const Limit rows[] = {{"memory", "memory.max", std::to_string((std::uint64_t{limits.memory_mib} + 2 * limits.disk_mib) * kMib)}, {"memory", "memory.swap.max", "0"},
                        {"memory", "memory.oom.group", "1"}, {"pids", "pids.max", std::to_string(limits.processes + kProcessesOfOurs)}, {"cpu", "cpu.max", kOneCore}};
  const auto handed_down = text_of(parent + "/cgroup.subtree_control");
  for (const auto& row : rows) {
    if (!has_word(handed_down, row.controller) || put(path + "/" + row.file, row.value)) continue;
    if (std::string_view(row.file) != "memory.swap.max") return failed(path + "/" + row.file);  // a kernel without swap has none
  }
  if (user)
    for (const auto& file : {path + "/cgroup.procs", parent + "/cgroup.procs"})
      if (chown(file.c_str(), *user, static_cast<gid_t>(-1)) != 0) return failed(file);
  return out;
}

ControlGroup::ControlGroup(ControlGroup&& other) noexcept : path_(std::exchange(other.path_, {})), folder_(std::move(other.folder_)) {}

ControlGroup::~ControlGroup() {
  if (path_.empty()) return;
  if (rmdir(path_.c_str()) == 0) return;
  kill();
  for (int ms = 0; ms < kEndMsMax && rmdir(path_.c_str()) != 0 && errno == EBUSY; ++ms) usleep(1000);
}

void ControlGroup::kill() const { put(path_ + "/cgroup.kill", "1"); }

bool ControlGroup::ran_out_of_memory() const { return number_in(text_of(path_ + "/memory.events"), "oom_kill").value_or(0) > 0; }

std::optional<std::uint64_t> ControlGroup::cpu_us() const { return number_in(text_of(path_ + "/cpu.stat"), "usage_usec"); }

}  // namespace mendel::sandbox
