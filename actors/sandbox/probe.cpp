// The script of the probe is a test of kind script: it passes only if everything it tries is refused.
#include "actors/sandbox/probe.hpp"

#include <fstream>

#include "actors/sandbox/control_group.hpp"

namespace mendel::sandbox {
namespace {

constexpr char kTries[] = R"(
import os, socket
def refused(attempt):
    try:
        attempt()
    except (OSError, ImportError):
        return True
assert os.getuid() not in (0, ) and not [line for line in open('/proc/self/status') if line.startswith('CapEff') and int(line.split()[1], 16)]
assert 'Seccomp:\t2' in open('/proc/self/status').read(), 'no system call filter'
for attempt in (lambda: open('/etc/shadow'), lambda: os.listdir('/root')):
    assert refused(attempt), 'secrets can be read'
for path in ('/usr/x', '/x', '/dev/x', '/proc/sys/kernel/hostname'):
    assert refused(lambda: open(path, 'w')), path
assert refused(lambda: socket.socket(socket.AF_INET)) and refused(lambda: socket.socket(socket.AF_UNIX))
assert len([name for name in os.listdir('/proc') if name.isdigit()]) <= 3
assert all(not name.startswith('MENDEL') for name in os.environ) and len(os.environ) <= 12, os.environ
open('x', 'w').close()
)";

struct Remedy {
  const char* said;  // by bubblewrap, the kernel or us
  const char* setting;  // file whose content tells the cause; empty: none
  const char* value;
  const char* remedy;
};

// In the order of likelihood.
constexpr Remedy kRemedies[] = {
    {"", "/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1",
     "AppArmor keeps programs from making user namespaces (Ubuntu 23.10 and later). As root, write to /etc/apparmor.d/bwrap: "
     "abi <abi/4.0>, include <tunables/global> profile bwrap /usr/bin/bwrap flags=(unconfined) { userns, } and run apparmor_parser -r /etc/apparmor.d/bwrap; "
     "or, for all programs, sysctl kernel.apparmor_restrict_unprivileged_userns=0"},
    {"", "/proc/sys/kernel/unprivileged_userns_clone", "0", "user namespaces are switched off: as root, sysctl kernel.unprivileged_userns_clone=1"},
    {"", "/proc/sys/user/max_user_namespaces", "0", "user namespaces are switched off: as root, sysctl user.max_user_namespaces=10000"},
    {"No space left on device", "", "", "too many namespaces: raise sysctl user.max_user_namespaces"},
    {"Operation not permitted", "", "",
     "namespaces are not allowed here: in a container, start it with --security-opt seccomp=unconfined --security-opt apparmor=unconfined, or use a machine of its own"},
    {"Permission denied", "", "", "namespaces are not allowed here: see user_namespaces(7), and the log of AppArmor or SELinux (journalctl -k)"},
    {"Can't mount proc", "", "", "a container that hides parts of /proc: start it with --security-opt systempaths=unconfined, or use a machine of its own"},
    {"Unknown option", "", "", "bubblewrap is too old: version 0.7 or later is needed"},
    {"unrecognized option", "", "", "bubblewrap is too old: version 0.7 or later is needed"},
};

std::string first_word(const char* path) {
  std::ifstream file(path);
  std::string word;
  file >> word;
  return word;
}

Result<RunResult> tried(Runner& runner, const Settings& settings) {
  Run run{"script", kTries, "", settings.limits};
  return runner.run(run);
}

Error with_remedy(const char* what, std::string said) {
  while (!said.empty() && said.back() == '\n') said.pop_back();
  return Error{ErrorCode::unavailable, std::string(what) + said + ". " + remedy_for(said)};
}

}  // namespace

std::string remedy_for(std::string_view said) {
  for (const auto& row : kRemedies) {
    const bool by_setting = *row.setting != '\0' && first_word(row.setting) == row.value;
    const bool by_words = *row.said != '\0' && said.find(row.said) != std::string_view::npos;
    if (by_setting || by_words) return row.remedy;
  }
  return "run mendel doctor; deploy/install-deps.sh installs what is needed";
}

Result<std::string> probe(const mendel::Sandbox& config) {
  auto settings = settings_from(config);
  if (!settings) return settings.error();
  settings->limits.cpu_s = 10;
  const auto single = one_shot(*settings);
  const auto once = tried(*single, *settings);
  if (!once) return with_remedy("", once.error().what);
  if (once->ending != Ending::passed) return with_remedy("sandbox: it does not hold: ", once->why.empty() ? name_of(once->ending) : once->why);
  std::string said = settings->backend + " (" + settings->program + ")";
  if (settings->backend != "bwrap") return said;
  const auto groups = settings->group.empty() ? "; no cgroup for each run, limits of processes alone: " + delegated_group().missing : "; a cgroup for each run below " + settings->group;
  auto server = fork_server(*settings);
  if (!server) return with_remedy("", server.error().what);
  const auto forked = tried(**server, *settings);
  if (!forked) return with_remedy("", forked.error().what);
  if (forked->ending != Ending::passed) return with_remedy("sandbox: the fork-server does not hold: ", forked->why.empty() ? name_of(forked->ending) : forked->why);
  return said + " with " + settings->interpreter + ", one-shot and fork-server tried" + groups;
}

}  // namespace mendel::sandbox
