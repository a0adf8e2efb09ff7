// fork + exec with everything bounded. Between fork and exec only async-signal-safe calls are made.
#include "actors/syntax/child_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <thread>

#include "actors/syntax/descriptor.hpp"

namespace mendel::syntax {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kErrorBytesKept = 64u << 10;
constexpr int kExecFailed = 127;
constexpr long long kPollMs = 1000, kStopPollMs = 100;

std::atomic<bool (*)()> g_stopped = nullptr;

bool stopped() {
  const auto ask = g_stopped.load();
  return ask != nullptr && ask();
}

struct Pipe {
  Descriptor read, write;
};

bool make_pipe(Pipe& pipe) {
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) != 0) return false;
  pipe.read = Descriptor(fds[0]);
  pipe.write = Descriptor(fds[1]);
  return true;
}

// A socket, because writing to a closed pipe would raise SIGPIPE.
bool make_input(Pipe& pipe) {
  int fds[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) return false;
  pipe.read = Descriptor(fds[0]);
  pipe.write = Descriptor(fds[1]);
  return true;
}

[[noreturn]] void become(const char* program, char* const* argv, char* const* environment, const char* folder, const int fds[3]) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  signal(SIGPIPE, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  for (int i = 0; i < 3; ++i) dup2(fds[i], i);
  if (*folder != '\0' && chdir(folder) != 0) _exit(kExecFailed);
  execve(program, argv, environment);
  _exit(kExecFailed);
}

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> out;
  for (const auto& text : strings) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

// What the child says and hears, until both of its outputs are closed or a limit is met.
class Exchange {
 public:
  Exchange(const ChildOptions& options, Descriptor input, Descriptor output, Descriptor error)
      : options_(options), input_(std::move(input)), output_(std::move(output)), error_(std::move(error)),
        deadline_(Clock::now() + options.timeout) {
    for (const int fd : {input_.get(), output_.get(), error_.get()}) fcntl(fd, F_SETFL, O_NONBLOCK);
  }

  Outcome run(ChildResult& result) {
    if (options_.input.empty()) input_.reset();
    while (output_.get() >= 0 || error_.get() >= 0) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline_ - Clock::now()).count();
      if (stopped()) return Error{ErrorCode::interrupted, options_.argv[0] + ": interrupted"};
      if (left <= 0) return Error{ErrorCode::too_complex, options_.argv[0] + ": ran longer than " + std::to_string(options_.timeout.count()) + " ms"};
      pollfd fds[3] = {{input_.get(), POLLOUT, 0}, {output_.get(), POLLIN, 0}, {error_.get(), POLLIN, 0}};
      if (poll(fds, 3, static_cast<int>(std::min<long long>(left, g_stopped.load() == nullptr ? kPollMs : kStopPollMs))) < 0 && errno != EINTR)
        return Error{ErrorCode::io_error, std::string("poll: ") + std::strerror(errno)};
      if (fds[0].revents != 0) feed();
      if (fds[1].revents != 0) take(output_, result.output);
      if (fds[2].revents != 0) take(error_, result.error_output);
      if (result.output.size() > options_.output_bytes_max)
        return Error{ErrorCode::too_large, options_.argv[0] + ": wrote more than " + std::to_string(options_.output_bytes_max) + " bytes"};
      if (result.error_output.size() > 2 * kErrorBytesKept) result.error_output.erase(0, result.error_output.size() - kErrorBytesKept);
    }
    return Done{};
  }

  Clock::time_point deadline() const { return deadline_; }

 private:
  void feed() {
    const auto n = send(input_.get(), options_.input.data() + written_, options_.input.size() - written_, MSG_NOSIGNAL);
    if (n > 0) written_ += static_cast<std::size_t>(n);
    if ((n < 0 && errno != EAGAIN && errno != EINTR) || written_ == options_.input.size()) input_.reset();
  }

  static void take(Descriptor& from, std::string& to) {
    char buffer[1 << 16];
    const auto n = read(from.get(), buffer, sizeof buffer);
    if (n > 0) to.append(buffer, static_cast<std::size_t>(n));
    else if (n == 0 || (errno != EAGAIN && errno != EINTR)) from.reset();
  }

  const ChildOptions& options_;
  Descriptor input_, output_, error_;
  Clock::time_point deadline_;
  std::size_t written_ = 0;
};

// The child has closed its outputs but may not have ended: waits for it until the deadline.
int reap(pid_t child, Clock::time_point deadline, bool kill_now) {
  int status = 0;
  if (kill_now) kill(-child, SIGKILL);
  while (waitpid(child, &status, WNOHANG) == 0) {
    if (Clock::now() >= deadline || stopped()) {
      kill(-child, SIGKILL);
      waitpid(child, &status, 0);
      break;
    }
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  kill(-child, SIGKILL);  // whatever it left behind in its group
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

bool is_program(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error) && access(path.c_str(), X_OK) == 0;
}

}  // namespace

void stop_children_when(bool (*stopped)()) { g_stopped = stopped; }

Result<ChildResult> run_child(const ChildOptions& options) {
  if (options.argv.empty()) return Error{ErrorCode::invalid_input, "no program named"};
  const auto program = options.argv[0].find('/') != std::string::npos ? options.argv[0] : find_program(options.argv[0]);
  if (program.empty() || !is_program(program)) return Error{ErrorCode::not_found, options.argv[0] + ": no such program"};
  Pipe input, output, error;
  if (!make_input(input) || !make_pipe(output) || !make_pipe(error))
    return Error{ErrorCode::io_error, std::string("no pipe: ") + std::strerror(errno)};
  const auto argv = pointers(options.argv), environment = pointers(options.environment);
  const int fds[3] = {input.read.get(), output.write.get(), error.write.get()};
  const pid_t child = fork();
  if (child < 0) return Error{ErrorCode::io_error, std::string("fork: ") + std::strerror(errno)};
  if (child == 0) become(program.c_str(), argv.data(), environment.data(), options.folder.c_str(), fds);
  setpgid(child, child);
  input.read.reset();
  output.write.reset();
  error.write.reset();
  ChildResult result;
  Exchange exchange(options, std::move(input.write), std::move(output.read), std::move(error.read));
  const auto outcome = exchange.run(result);
  result.exit_status = reap(child, exchange.deadline(), !outcome);
  if (!outcome) return outcome.error();
  return result;
}

std::string find_program(std::string_view program) {
  std::error_code error;
  const auto self = fs::read_symlink("/proc/self/exe", error);
  if (!error)
    for (auto folder = self.parent_path(); !folder.empty() && folder != folder.root_path(); folder = folder.parent_path())
      for (const auto& candidate : {folder / program, folder / ".venv" / "bin" / program, folder / "lib/mendel/venv/bin" / program, folder / "lib/mendel/bin" / program})
        if (is_program(candidate)) return candidate.string();
  const char* path = std::getenv("PATH");
  std::string_view rest = path == nullptr ? "/usr/local/bin:/usr/bin:/bin" : path;
  while (!rest.empty()) {
    const auto colon = std::min(rest.find(':'), rest.size());
    const auto candidate = fs::path(rest.substr(0, colon)) / program;
    if (colon > 0 && is_program(candidate)) return candidate.string();
    rest.remove_prefix(std::min(colon + 1, rest.size()));
  }
  return {};
}

}  // namespace mendel::syntax
