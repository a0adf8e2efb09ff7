// flock is released by the kernel when the process dies, so a stale file never blocks anybody.
#include "storage/process_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>

namespace mendel::storage {
namespace {

constexpr std::size_t kCommandBytesMax = 120;

// "mendel up --until dataset": the program's name without its folder, and its arguments.
std::string own_command() {
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  std::string words{std::istreambuf_iterator<char>(file), {}};
  while (!words.empty() && words.back() == '\0') words.pop_back();
  const auto program_end = std::min(words.find('\0'), words.size());
  const auto slash = words.rfind('/', program_end);
  if (slash != std::string::npos && slash < program_end) words.erase(0, slash + 1);
  for (char& c : words)
    if (static_cast<unsigned char>(c) < ' ') c = ' ';
  return words.substr(0, kCommandBytesMax);
}

std::string holder(int descriptor) {
  char text[kCommandBytesMax + 64];
  const auto n = pread(descriptor, text, sizeof text, 0);
  std::string line(text, n > 0 ? static_cast<std::size_t>(n) : 0);
  line.erase(std::min(line.find('\n'), line.size()));
  return line.empty() ? "another process" : line;
}

}  // namespace

Result<std::unique_ptr<ProcessLock>> ProcessLock::take(const std::filesystem::path& file) {
  const int descriptor = open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (descriptor < 0) return Error{ErrorCode::io_error, file.string() + ": " + std::strerror(errno)};
  std::unique_ptr<ProcessLock> lock(new ProcessLock(descriptor));
  if (flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return Error{ErrorCode::io_error, file.string() + ": " + std::strerror(errno)};
    return Error{ErrorCode::busy, file.parent_path().string() + ": held by " + holder(descriptor) +
                                      "; wait for it, stop it, or use another --data folder"};
  }
  const std::string line = "process " + std::to_string(getpid()) + " (" + own_command() + ")\n";
  if (ftruncate(descriptor, 0) != 0 || pwrite(descriptor, line.data(), line.size(), 0) != static_cast<ssize_t>(line.size()))
    return Error{ErrorCode::io_error, file.string() + ": " + std::strerror(errno)};
  return lock;
}

ProcessLock::~ProcessLock() { close(descriptor_); }

}  // namespace mendel::storage
