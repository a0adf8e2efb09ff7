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
#include <fstream>
#include <iterator>

#include "actors/miner/fix_commit.hpp"
#include "actors/miner/miner_stage.hpp"
#include "actors/miner/project_reader.hpp"
#include "actors/miner/remote_name.hpp"
#include "actors/miner/repository.hpp"
#include "actors/syntax/child_process.hpp"

namespace mendel::miner {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kUrlBytesMax = 2048;
constexpr std::size_t kContentsPerFetch = 4096;
constexpr int kImportRoundsMax = 24;
constexpr const char* kFetchedFile = "mendel-fetched";  // in the clone: for which rules its contents were fetched
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
  const auto path = url.find("://");
  const auto host = path == std::string::npos ? std::string() : url.substr(path + 3, url.find('/', path + 3) - path - 3);
  if (url.starts_with("https://") && host.find('@') != std::string::npos) return refused(url, "an address must not hold a user or password");
  if (!url.starts_with("https://") && !is_clonable_address(url)) return refused(url, "only https addresses are cloned");
  if (!is_clonable_address(url)) return refused(url, "the address is malformed");
  return Done{};
}

// "https://github.com/a/b.git" → "github.com+a+b"
std::string clone_name(const std::string& url) {
  auto name = url.substr(url.find("://") + 3);
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

// `git` with nothing but https (or what the loopback speaks), no hooks, no helpers, no redirects.
syntax::ChildOptions git_command(const std::string& url, const Config& config, std::initializer_list<std::string> words) {
  const auto blocks = static_cast<std::uint64_t>(config.mine().clone_mib_max()) * 2048;  // of 512 bytes, the shell's unit
  syntax::ChildOptions child;
  child.argv = {"/bin/sh", "-c", "ulimit -f \"$1\" && shift && exec \"$@\"", "sh", std::to_string(blocks), "git"};
  const std::string allowed = url.starts_with("http://") ? "protocol.http.allow=always" : "protocol.https.allow=always";
  for (const auto& setting : {std::string("protocol.allow=never"), allowed, std::string("http.followRedirects=false"), std::string("core.hooksPath=/dev/null"),
                              std::string("transfer.bundleURI=false"), std::string("credential.helper="), std::string("core.symlinks=false"),
                              std::string("fetch.recurseSubmodules=false"), std::string("gc.auto=0"), std::string("maintenance.auto=false")}) {
    child.argv.push_back("-c");
    child.argv.push_back(setting);
  }
  child.argv.insert(child.argv.end(), words.begin(), words.end());
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

Outcome run_git(const syntax::ChildOptions& command, const std::string& url, const char* what) {
  const auto done = syntax::run_child(command);
  if (done && done->exit_status == 0) return Done{};
  if (!done && done.error().code == ErrorCode::not_found)
    return Error{ErrorCode::unavailable, "git is not installed; it is needed to clone " + url};
  if (!done && done.error().code == ErrorCode::interrupted) return Error{ErrorCode::interrupted, url + ": " + what + ": interrupted"};
  return Error{ErrorCode::io_error, url + ": " + what + ": " + (done ? first_line(done->error_output) : done.error().what)};
}

Outcome clone(const std::string& url, const fs::path& target, const Config& config) {
  const auto half_done = target.string() + ".part";
  std::error_code error;
  fs::remove_all(half_done, error);
  auto command = git_command(url, config, {"clone", "--quiet", "--bare", "--single-branch", "--no-tags", "--template="});
  if (config.mine().partial_clones()) command.argv.push_back("--filter=blob:none");
  for (const auto& word : {std::string("--"), url, half_done}) command.argv.push_back(word);
  auto done = run_git(command, url, "cannot be cloned");
  if (done) fs::rename(half_done, target, error);
  if (done && !error) return Done{};
  std::error_code ignored;
  fs::remove_all(half_done, ignored);
  return done ? Outcome(Error{ErrorCode::io_error, target.string() + ": " + error.message()}) : done;
}

bool is_partial(const fs::path& clone) {
  std::ifstream file(clone / "config", std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {}).find("promisor = true") != std::string::npos;
}

Outcome fetch(const std::string& url, const fs::path& target, const std::vector<ObjectId>& wanted, const Config& config) {
  for (std::size_t i = 0; i < wanted.size(); i += kContentsPerFetch) {
    std::string ids;
    for (std::size_t k = i; k < std::min(i + kContentsPerFetch, wanted.size()); ++k) ids += wanted[k].hex() + "\n";
    auto command = git_command(url, config, {"-C", target.string(), "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-gc",
                                             "--recurse-submodules=no", "--filter=blob:none", "--stdin", "origin"});
    command.input = ids;
    if (auto done = run_git(command, url, "file contents cannot be fetched"); !done) return done;
  }
  return Done{};
}

// Fetches what fixes need and the clone does not hold, unless that was done for the same rules; then what their tests
// import, in as many rounds as imports are deep.
Outcome fetch_contents(const std::string& url, const fs::path& target, const Config& config) {
  const auto rules = std::to_string(MinerStage::kVersion) + (config.mine().tests() ? "" : "-without-tests");
  std::string fetched;
  std::ifstream(target / kFetchedFile) >> fetched;
  if (fetched == rules || !is_partial(target)) return Done{};
  for (int round = 0; round < kImportRoundsMax; ++round) {
    auto opened = Repository::open(target.string());  // anew: it has grown
    if (!opened) return opened.error();
    const auto history = opened->history();
    if (!history) return history.error();
    auto wanted = round == 0 ? contents_of_fixes(*opened, *history) : contents_of_tests(*opened, *history, config.mine().blob_bytes_max());
    std::erase_if(wanted, [&](const ObjectId& id) { return opened->holds(id); });
    if (auto done = fetch(url, target, wanted, config); !done) return done;
    if ((round > 0 && wanted.empty()) || !config.mine().tests()) break;
  }
  std::ofstream file(target / kFetchedFile);
  file << rules << '\n';
  return file.flush() ? Outcome(Done{}) : Outcome(Error{ErrorCode::io_error, (target / kFetchedFile).string() + ": cannot be written"});
}

}  // namespace

bool is_clonable_address(std::string_view url) {
  constexpr std::string_view kPlain[] = {"http://127.0.0.1", "http://[::1]", "http://localhost"};
  auto rest = url.starts_with("https://") ? url.substr(8) : std::string_view();
  for (const auto start : kPlain)
    if (url.starts_with(start) && (url.size() == start.size() || url[start.size()] == ':' || url[start.size()] == '/')) rest = url.substr(7);
  const auto host = rest.substr(0, rest.find('/'));
  return !host.empty() && host.find('@') == std::string_view::npos && url.size() <= kUrlBytesMax &&
         std::all_of(url.begin(), url.end(), [](char c) { return c > ' ' && c < 0x7F && c != '\\'; });
}

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
  if (auto fetched = fetch_contents(repository, target, config); !fetched) return fetched.error();
  return target.string();
}

}  // namespace mendel::miner
