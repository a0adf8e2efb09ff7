// A child process that is watched by polling; no thread, no signal handler.
#include "actors/runtime/trainer_child.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <iterator>
#include <thread>

namespace mendel::runtime {
namespace {

constexpr Moment kFirstDelay{1000};

// What training may need of our environment; tokens and what the service manager told us are not for it.
constexpr std::string_view kPassedOn[] = {"PATH=", "HOME=", "USER=", "LANG=", "LC_", "TZ=", "TMPDIR=", "NO_COLOR=", "LD_LIBRARY_PATH=", "OMP_", "MKL_", "CUDA_",
                                          "NVIDIA_", "HIP_", "HSA_", "ROCR_", "ROCM_", "MIOPEN_", "TORCH_", "PYTORCH_", "MENDEL_"};
constexpr std::string_view kHeldBack[] = {"TOKEN", "SECRET", "PASSWORD"};

std::vector<std::string> environment_of_child() {
  std::vector<std::string> out;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view whole(*entry), name = whole.substr(0, whole.find('='));
    const bool known = std::any_of(std::begin(kPassedOn), std::end(kPassedOn), [&](std::string_view prefix) { return whole.starts_with(prefix); });
    const bool secret = std::any_of(std::begin(kHeldBack), std::end(kHeldBack), [&](std::string_view word) { return name.find(word) != name.npos; });
    if (known && !secret) out.emplace_back(whole);
  }
  return out;
}

std::string how_it_ended(int status) {
  if (WIFSIGNALED(status)) return "was ended by signal " + std::to_string(WTERMSIG(status));
  return "ended with status " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

Outcome TrainerChild::start(Moment now) {
  std::vector<char*> argv;
  for (auto& word : command_) argv.push_back(word.data());
  argv.push_back(nullptr);
  const auto environment = environment_of_child();
  std::vector<char*> envp;
  for (const auto& entry : environment) envp.push_back(const_cast<char*>(entry.c_str()));
  envp.push_back(nullptr);
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) return Error{ErrorCode::io_error, std::string("cannot start the training node: ") + std::strerror(errno)};
  if (child == 0) {
    ::setpgid(0, 0);  // Ctrl-C reaches us alone; we then tell the child to write a checkpoint
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(127);
    ::execve(argv[0], argv.data(), envp.data());
    ::_exit(127);
  }
  child_ = child;
  started_at_ = now;
  return Done{};
}

Result<std::string> TrainerChild::poll(Moment now) {
  if (child_ == 0) {
    if (now < again_at_) return std::string();
    auto started = start(now);
    return started ? Result<std::string>(std::string()) : started.error();
  }
  int status = 0;
  if (::waitpid(child_, &status, WNOHANG) != child_) return std::string();
  child_ = 0;
  failures_ = now - started_at_ < kShortLife ? failures_ + 1 : 1;
  const auto what = "the training node " + how_it_ended(status);
  if (failures_ >= kFailuresMax) return Error{ErrorCode::unavailable, what + ", " + std::to_string(failures_) + " times in a row; giving up"};
  const auto delay = kFirstDelay * (1 << (failures_ - 1));
  again_at_ = now + delay;
  return what + "; again in " + std::to_string(delay.count() / 1000) + " s";
}

void TrainerChild::stop(Moment patience) {
  if (child_ == 0) return;
  ::kill(child_, SIGTERM);
  const auto until = std::chrono::steady_clock::now() + patience;
  while (::waitpid(child_, nullptr, WNOHANG) != child_) {
    if (std::chrono::steady_clock::now() >= until) {
      ::kill(child_, SIGKILL);
      ::waitpid(child_, nullptr, 0);
      break;
    }
    std::this_thread::sleep_for(Moment(20));
  }
  child_ = 0;
}

}  // namespace mendel::runtime
