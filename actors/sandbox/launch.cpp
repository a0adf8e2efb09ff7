// fork + exec; between them only async-signal-safe calls are made.
#include "actors/sandbox/launch.hpp"

#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace mendel::sandbox {
namespace {

constexpr int kExecFailed = 127;
constexpr int kDescriptorsMax = 8;

Error failed(const char* what) { return Error{ErrorCode::io_error, std::string("sandbox: ") + what + ": " + std::strerror(errno)}; }

[[noreturn]] void become(char* const* argv, const int* descriptors, int count, LaunchOptions options) {
  // First above all targets, so that no target is overwritten before it was copied.
  int lifted[kDescriptorsMax];
  for (int i = 0; i < count; ++i) lifted[i] = fcntl(descriptors[i], F_DUPFD_CLOEXEC, kDescriptorsMax);
  for (int i = 0; i < count; ++i)
    if (lifted[i] < 0 || dup2(lifted[i], i) < 0) _exit(kExecFailed);
  syscall(SYS_close_range, static_cast<unsigned>(count), ~0u, 0u);
  setsid();
  // The bare calls: those of the library ask all threads that it knows of, which a child of fork_into has not.
  if (!options.as_ourselves && geteuid() == 0 &&
      (syscall(SYS_setgroups, 0, nullptr) != 0 || syscall(SYS_setresgid, kNobody, kNobody, kNobody) != 0 || syscall(SYS_setresuid, kNobody, kNobody, kNobody) != 0))
    _exit(kExecFailed);
  if (options.dies_with_thread) prctl(PR_SET_PDEATHSIG, SIGKILL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  for (const int number : {SIGPIPE, SIGINT, SIGTERM, SIGCHLD, SIGHUP}) signal(number, SIG_DFL);
  if (chdir("/") != 0) _exit(kExecFailed);
  char* const nothing[] = {nullptr};
  execve(argv[0], argv, options.as_ourselves ? environ : nothing);
  _exit(kExecFailed);
}

// fork, with the child in the group from its first instruction on.
pid_t fork_into(int group) {
  clone_args arguments{};
  arguments.flags = CLONE_INTO_CGROUP;
  arguments.exit_signal = SIGCHLD;
  arguments.cgroup = static_cast<std::uint64_t>(group);
  return static_cast<pid_t>(syscall(SYS_clone3, &arguments, sizeof arguments));
}

}  // namespace

Child::Child(int pid) : pid_(pid), notice_(static_cast<int>(syscall(SYS_pidfd_open, pid, 0))) {
  if (notice_.is_open()) fcntl(notice_.get(), F_SETFD, FD_CLOEXEC);
}

Child::~Child() {
  if (!is_running()) return;
  kill();
  reap();
}

Child::Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, 0)), notice_(std::move(other.notice_)) {}

Child& Child::operator=(Child&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(notice_, other.notice_);
  return *this;
}

void Child::kill() const {
  if (is_running()) ::kill(pid_, SIGKILL);
}

int Child::reap() {
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) continue;
  pid_ = 0;
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

Result<Child> launch(const std::vector<std::string>& argv, std::span<const int> descriptors, LaunchOptions options) {
  assert(descriptors.size() <= kDescriptorsMax);
  std::vector<char*> words;
  for (const auto& word : argv) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  const pid_t pid = options.group < 0 ? fork() : fork_into(options.group);
  if (pid < 0) return failed("no new process");
  if (pid == 0) become(words.data(), descriptors.data(), static_cast<int>(descriptors.size()), options);
  Child child(pid);
  if (child.end_notice() < 0) return failed("no notice of a process's end");
  return child;
}

Result<Descriptor> memory_with(std::string_view text) {
  Descriptor memory(memfd_create("run", MFD_CLOEXEC));
  if (!memory.is_open()) return failed("no memory for a run's input");
  while (!text.empty()) {
    const auto n = write(memory.get(), text.data(), text.size());
    if (n <= 0) return failed("a run's input could not be written");
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  lseek(memory.get(), 0, SEEK_SET);
  return memory;
}

Result<DescriptorPair> make_socket_pair(int type) {
  int fds[2];
  if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds) != 0) return failed("no socket");
  return DescriptorPair{Descriptor(fds[0]), Descriptor(fds[1])};
}

Result<DescriptorPair> make_output_pipe() {
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) != 0) return failed("no pipe");
  fcntl(fds[0], F_SETFL, O_NONBLOCK);
  return DescriptorPair{Descriptor(fds[0]), Descriptor(fds[1])};
}

}  // namespace mendel::sandbox
