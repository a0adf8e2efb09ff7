// The `git` program does the transfer, because it obeys proxies and certificates of the machine. Its own
// configuration is shut out, and every protocol but https is forbidden, redirects included.
#include "actors/miner/clone.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "actors/miner/remote_name.hpp"
#include "actors/syntax/child_process.hpp"

namespace mendel::miner {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kUrlBytesMax = 2048;
constexpr const char* kClonesByDefault = "mendel-data/raw/git";
constexpr std::array kPassedOn = {"PATH", "http_proxy", "https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"};

// Held while one process clones into a folder; the others wait and find the clone.
class FolderLock {
 public:
  explicit FolderLock(const std::string& path) : fd_(open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0644)) {
    while (fd_ >= 0 && flock(fd_, LOCK_EX) != 0 && errno == EINTR) {
    }
  }
  ~FolderLock() {
    if (fd_ >= 0) close(fd_);
  }
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;
  bool held() const { return fd_ >= 0; }

 private:
  int fd_;
};

Error refused(const std::string& url, const char* why) {
  // A password may stand in front of the '@'; what is printed has none.
  const auto shown = public_url(url);
  return {ErrorCode::invalid_input, (shown.empty() ? url : shown) + ": " + why + "; name a local repository or https://HOST/PATH"};
}

Outcome check_url(const std::string& url) {
  if (url.size() > kUrlBytesMax) return Error{ErrorCode::invalid_input, "a repository address is too long"};
  if (!url.starts_with("https://")) return refused(url, "only https addresses are cloned");
  const auto host = url.substr(8, url.find('/', 8) - 8);
  if (host.find('@') != std::string::npos) return refused(url, "an address must not hold a user or password");
  if (host.empty() || !std::all_of(url.begin(), url.end(), [](char c) { return c > ' ' && c < 0x7F && c != '\\'; }))
    return refused(url, "the address is malformed");
  return Done{};
}

// "https://github.com/a/b.git" → "github.com+a+b"
std::string clone_name(const std::string& url) {
  auto name = url.substr(8);
  while (name.ends_with('/')) name.pop_back();
  if (name.ends_with(".git")) name.resize(name.size() - 4);
  for (char& c : name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
    if (!plain) c = '+';
  }
  return name;
}

std::vector<std::string> environment() {
  std::vector<std::string> out = {"GIT_TERMINAL_PROMPT=0", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_ASKPASS=/bin/false",
                                  "HOME=/nonexistent", "LC_ALL=C"};
  for (const char* name : kPassedOn)
    if (const char* value = std::getenv(name)) out.push_back(std::string(name) + "=" + value);
  return out;
}

syntax::ChildOptions clone_command(const std::string& url, const std::string& folder, const Config& config) {
  const auto blocks = static_cast<std::uint64_t>(config.mine().clone_mib_max()) * 2048;  // of 512 bytes, the shell's unit
  syntax::ChildOptions child;
  child.argv = {"/bin/sh", "-c", "ulimit -f \"$1\" && shift && exec \"$@\"", "sh", std::to_string(blocks),
                "git", "-c", "protocol.allow=never", "-c", "protocol.https.allow=always", "-c", "core.hooksPath=/dev/null",
                "-c", "transfer.bundleURI=false", "-c", "credential.helper=", "clone", "--quiet", "--bare", "--single-branch",
                "--no-tags", "--template=", "--", url, folder};
  child.environment = environment();
  child.timeout = std::chrono::milliseconds(config.mine().clone_timeout_ms());
  return child;
}

std::string first_line(std::string text) {
  while (text.ends_with('\n')) text.pop_back();
  const auto fatal = text.rfind("fatal: ");
  if (fatal != std::string::npos) text = text.substr(fatal);
  return text.substr(0, text.find('\n'));
}

Outcome clone(const std::string& url, const fs::path& target, const Config& config) {
  const auto half_done = target.string() + ".part";
  std::error_code error;
  fs::remove_all(half_done, error);
  const auto done = syntax::run_child(clone_command(url, half_done, config));
  if (done && done->exit_status == 0) {
    fs::rename(half_done, target, error);
    if (!error) return Done{};
    return Error{ErrorCode::io_error, target.string() + ": " + error.message()};
  }
  fs::remove_all(half_done, error);
  if (!done && done.error().code == ErrorCode::not_found)
    return Error{ErrorCode::unavailable, "git is not installed; it is needed to clone " + url};
  return Error{ErrorCode::io_error, url + ": cannot be cloned: " + (done ? first_line(done->error_output) : done.error().what)};
}

}  // namespace

bool is_remote(std::string_view repository) {
  if (repository.find("://") != std::string_view::npos || repository.find("::") != std::string_view::npos) return true;
  const auto colon = repository.find(':');
  if (colon == std::string_view::npos || repository.substr(0, colon).find('/') != std::string_view::npos) return false;
  std::error_code error;
  return !fs::exists(fs::path(repository), error);
}

Result<std::string> local_repository(const std::string& repository, const Config& config) {
  if (!is_remote(repository)) return repository;
  if (auto checked = check_url(repository); !checked) return checked.error();
  const fs::path folder = config.mine().clones().empty() ? kClonesByDefault : config.mine().clones();
  const auto target = folder / clone_name(repository);
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return Error{ErrorCode::io_error, folder.string() + ": " + error.message()};
  const FolderLock lock(target.string() + ".lock");
  if (!lock.held()) return Error{ErrorCode::io_error, target.string() + ".lock: " + std::strerror(errno)};
  if (!fs::exists(target / "HEAD", error))
    if (auto cloned = clone(repository, target, config); !cloned) return cloned.error();
  return target.string();
}

}  // namespace mendel::miner
