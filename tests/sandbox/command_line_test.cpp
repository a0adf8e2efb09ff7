// The command lines of the backends, as values; and what the probe says where something is missing.
#include "actors/sandbox/command_line.hpp"

#include <doctest/doctest.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "actors/sandbox/probe.hpp"
#include "actors/sandbox/system_call_filter.hpp"

using namespace mendel;
using namespace mendel::sandbox;

namespace {

Settings settings_for(const char* backend) {
  Settings out;
  out.backend = backend;
  out.program = std::string("/usr/bin/") + backend;
  out.image = "python:3";
  out.interpreter = "/usr/bin/python3";
  out.packages = {"/somewhere/site-packages"};
  return out;
}

#if defined(__aarch64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#else
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#endif

// What the kernel would do with the program: the few instructions that libseccomp uses.
std::uint32_t run_filter(const std::vector<sock_filter>& program, std::uint32_t architecture, int number, std::uint64_t first, std::uint64_t second) {
  seccomp_data data{number, architecture, 0, {first, second, 0, 0, 0, 0}};
  std::uint32_t accumulator = 0;
  for (std::size_t at = 0; at < program.size(); ++at) {
    const auto& step = program[at];
    bool jumps = false;
    switch (step.code) {
      case BPF_LD | BPF_W | BPF_ABS: std::memcpy(&accumulator, reinterpret_cast<const char*>(&data) + step.k, sizeof accumulator); continue;
      case BPF_ALU | BPF_AND | BPF_K: accumulator &= step.k; continue;
      case BPF_RET | BPF_K: return step.k;
      case BPF_JMP | BPF_JA: at += step.k; continue;
      case BPF_JMP | BPF_JEQ | BPF_K: jumps = accumulator == step.k; break;
      case BPF_JMP | BPF_JGT | BPF_K: jumps = accumulator > step.k; break;
      case BPF_JMP | BPF_JGE | BPF_K: jumps = accumulator >= step.k; break;
      case BPF_JMP | BPF_JSET | BPF_K: jumps = (accumulator & step.k) != 0; break;
      default: FAIL("an instruction that is not known: ", step.code);
    }
    at += jumps ? step.jt : step.jf;
  }
  FAIL("the program has no end");
  return 0;
}

// Whether `words` stand in `line` one after the other.
bool holds(const std::vector<std::string>& line, const std::vector<std::string>& words) {
  return std::search(line.begin(), line.end(), words.begin(), words.end()) != line.end();
}

}  // namespace

TEST_CASE("bubblewrap gets namespaces, no capability, no environment and two bounded folders") {
  const auto line = bwrap_command(settings_for("bwrap"), Limits{}, 4, {"text", "once"});
  for (const char* flag : {"--unshare-user", "--unshare-net", "--unshare-pid", "--unshare-ipc", "--die-with-parent", "--new-session", "--clearenv"})
    CHECK(holds(line, {flag}));
  CHECK(holds(line, {"--cap-drop", "ALL"}));
  CHECK(holds(line, {"--seccomp", "4"}));
  CHECK(holds(line, {"--size", "16777216", "--tmpfs", "/box"}));
  CHECK(holds(line, {"--ro-bind", "/somewhere/site-packages", "/packages/0"}));
  CHECK(holds(line, {"--remount-ro", "/"}));
  CHECK(holds(line, {"--", "/usr/bin/python3", "-s", "-c", "text", "once"}));
  CHECK_FALSE(holds(line, {"--bind"}));
  CHECK_FALSE(holds(bwrap_command(settings_for("bwrap"), Limits{}, -1, {}), {"--seccomp"}));
}

TEST_CASE("podman and docker get the same promises in their words") {
  for (const char* backend : {"podman", "docker"}) {
    const auto line = container_command(settings_for(backend), Limits{}, "mendel-1", {"text", "piped"});
    CHECK(line.front() == std::string("/usr/bin/") + backend);
    CHECK(holds(line, {"--network", "none"}));
    CHECK(holds(line, {"--read-only"}));
    CHECK(holds(line, {"--cap-drop", "ALL", "--security-opt", "no-new-privileges"}));
    CHECK(holds(line, {"--user", "65534:65534"}));
    CHECK(holds(line, {"--memory", "1024m", "--memory-swap", "1024m", "--pids-limit", "34"}));
    CHECK(holds(line, {"--tmpfs", "/box:rw,nosuid,nodev,mode=1777,size=16m"}));
    CHECK(holds(line, {"--volume", "/somewhere/site-packages:/packages/0:ro"}));
    CHECK(holds(line, {"--pull", "never"}));
    CHECK(holds(line, {"python:3", "/usr/bin/python3", "-s", "-c", "text", "piped"}));
  }
}

TEST_CASE("the filter itself refuses each call of its table, and lets pass what programs live on") {
  const auto filter = system_call_filter();
  REQUIRE(filter);
  REQUIRE(filter->size() % sizeof(sock_filter) == 0);
  std::vector<sock_filter> program(filter->size() / sizeof(sock_filter));
  std::memcpy(program.data(), filter->data(), filter->size());
  const auto answer = [&](int number, std::uint64_t first = 0, std::uint64_t second = 0) { return run_filter(program, kArchitecture, number, first, second); };
  constexpr std::uint32_t kDenied = SECCOMP_RET_ERRNO | EPERM;
  std::size_t tried = 0;
  for (const auto& call : refused_calls()) {
    if (call.number < 0) continue;
    ++tried;
    CHECK_MESSAGE(answer(call.number) == kDenied, call.name);
    CHECK_MESSAGE(answer(call.number, ~0ull, ~0ull) == kDenied, call.name);
  }
  CHECK(tried > 60);
  for (const int number : {SYS_read, SYS_write, SYS_openat, SYS_mmap, SYS_munmap, SYS_futex, SYS_execve, SYS_wait4, SYS_exit_group, SYS_getrandom, SYS_pipe2, SYS_kill})
    CHECK_MESSAGE(answer(number) == SECCOMP_RET_ALLOW, number);
  CHECK(answer(SYS_clone, SIGCHLD) == SECCOMP_RET_ALLOW);
  for (const std::uint64_t flag : {CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWIPC, CLONE_NEWUTS, CLONE_NEWCGROUP}) CHECK(answer(SYS_clone, flag | SIGCHLD) == kDenied);
  CHECK(answer(SYS_clone3) == (SECCOMP_RET_ERRNO | ENOSYS));
  CHECK(answer(SYS_socketpair, AF_UNIX) == SECCOMP_RET_ALLOW);
  CHECK(answer(SYS_socketpair, AF_INET) == kDenied);
  CHECK(answer(SYS_ioctl, 0, TIOCSTI) == kDenied);
  CHECK(answer(SYS_ioctl, 0, TIOCSTI | 1ull << 32) == kDenied);
  CHECK(answer(SYS_ioctl, 0, TIOCGWINSZ) == SECCOMP_RET_ALLOW);
  CHECK(run_filter(program, AUDIT_ARCH_I386, SYS_read, 0, 0) == SECCOMP_RET_KILL_THREAD);
}

TEST_CASE("a backend that is not there fails closed and names the remedy") {
  mendel::Sandbox config;
  config.set_program("/no/such/bwrap");
  const auto probed = probe(config);
  REQUIRE_FALSE(probed);
  CHECK(probed.error().code == ErrorCode::unavailable);
  CHECK(probed.error().what.find("install bubblewrap") != std::string::npos);
  config.set_program("/bin/false");
  CHECK_FALSE(probe(config));
  config.set_program("/bin/true");  // ends well, and never started a run
  CHECK_FALSE(probe(config));
}

TEST_CASE("an interpreter that is not there is named") {
  mendel::Sandbox config;
  config.set_program("/bin/true");
  config.set_interpreter("/no/such/python");
  const auto settings = settings_from(config);
  REQUIRE_FALSE(settings);
  CHECK(settings.error().what.find("/no/such/python") != std::string::npos);
  CHECK(settings.error().what.find("sandbox.interpreter") != std::string::npos);
}

TEST_CASE("what bubblewrap says leads to a remedy") {
  CHECK(remedy_for("bwrap: Creating new namespace failed: Operation not permitted").find("namespaces") != std::string::npos);
  CHECK(remedy_for("bwrap: Unknown option --size").find("too old") != std::string::npos);
  CHECK(remedy_for("something else").find("mendel doctor") != std::string::npos);
}
