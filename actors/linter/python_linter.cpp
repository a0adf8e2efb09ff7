// One process a tool. The answer's rows become diagnostics; rules that are not in the table are left out.
#include "actors/linter/python_linter.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <simdjson.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <utility>

#include "actors/linter/private_folder.hpp"
#include "actors/linter/python_linter_script.hpp"
#include "actors/linter/rule_table.hpp"
#include "actors/syntax/child_process.hpp"

namespace mendel::linter {
namespace {

using Clock = std::chrono::steady_clock;
using Json = simdjson::dom::element;

constexpr std::uint64_t kFolderBytes = 32u << 20;  // of one batch and of mypy's cache of the standard library
constexpr std::size_t kAnswerBytesMax = 64u << 20;
constexpr auto kStartMax = std::chrono::seconds(60);
constexpr auto kGrace = std::chrono::seconds(30);  // warming up, and telling that a batch ran out of time

struct Frame {
  std::uint8_t status = 1;
  std::string text;
};

// The process and its end of the conversation; dies with this object.
class Helper {
 public:
  static std::unique_ptr<Helper> start(const std::vector<std::string>& argv) {
    auto folder = std::make_unique<PrivateFolder>(kFolderBytes);
    int pair[2];
    if (folder->path().empty() || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) return nullptr;
    const std::string home = "PYLINTHOME=" + folder->path();
    const char* environment[] = {"LC_ALL=C.UTF-8", "PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/nonexistent", home.c_str(), nullptr};
    std::vector<char*> arguments;
    for (const auto& argument : argv) arguments.push_back(const_cast<char*>(argument.c_str()));
    arguments.push_back(nullptr);
    const pid_t child = fork();
    if (child == 0) become(arguments.data(), environment, folder->path().c_str(), pair[1]);
    close(pair[1]);
    if (child > 0) return std::unique_ptr<Helper>(new Helper(child, pair[0], std::move(folder)));
    close(pair[0]);
    return nullptr;
  }

  ~Helper() {
    close(socket_);
    kill(-child_, SIGKILL);
    kill(child_, SIGKILL);
    waitpid(child_, nullptr, 0);
  }

  bool send(std::string_view bytes, Clock::time_point deadline) const {
    while (!bytes.empty()) {
      const auto n = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n > 0) bytes.remove_prefix(static_cast<std::size_t>(n));
      else if (n < 0 && errno != EAGAIN && errno != EINTR) return false;
      else if (!wait_for(POLLOUT, deadline)) return false;
    }
    return true;
  }

  std::optional<Frame> receive(Clock::time_point deadline) const {
    char head[5];
    if (!read_exactly(head, sizeof head, deadline)) return std::nullopt;
    std::uint32_t size = 0;
    std::memcpy(&size, head + 1, sizeof size);
    if (size > kAnswerBytesMax) return std::nullopt;
    Frame frame{static_cast<std::uint8_t>(head[0]), std::string(size, '\0')};
    if (!read_exactly(frame.text.data(), size, deadline)) return std::nullopt;
    return frame;
  }

 private:
  Helper(pid_t child, int socket, std::unique_ptr<PrivateFolder> folder) : child_(child), socket_(socket), folder_(std::move(folder)) {
    setpgid(child, child);
  }

  [[noreturn]] static void become(char* const* argv, const char* const* environment, const char* folder, int socket) {
    setpgid(0, 0);
    dup2(socket, 0);
    dup2(socket, 1);
    if (const int nowhere = open("/dev/null", O_WRONLY); nowhere >= 0) dup2(nowhere, 2);
    sigset_t empty;
    sigemptyset(&empty);
    sigprocmask(SIG_SETMASK, &empty, nullptr);
    signal(SIGINT, SIG_IGN);  // Ctrl-C is for us; the helper ends when its input does
    if (chdir(folder) == 0) execve(argv[0], argv, const_cast<char* const*>(environment));
    _exit(127);
  }

  bool wait_for(short events, Clock::time_point deadline) const {
    for (;;) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
      if (left <= 0) return false;
      pollfd fd{socket_, events, 0};
      const int ready = poll(&fd, 1, static_cast<int>(left));
      if (ready > 0) return true;
      if (ready == 0 || errno != EINTR) return false;
    }
  }

  bool read_exactly(char* to, std::size_t size, Clock::time_point deadline) const {
    while (size > 0) {
      const auto n = recv(socket_, to, size, MSG_DONTWAIT);
      if (n > 0) {
        to += n;
        size -= static_cast<std::size_t>(n);
      } else if (n == 0 || (errno != EAGAIN && errno != EINTR) || !wait_for(POLLIN, deadline)) {
        return false;
      }
    }
    return true;
  }

  pid_t child_;
  int socket_;
  std::unique_ptr<PrivateFolder> folder_;  // the process works in it
};

void append(std::string& frame, std::size_t value) {
  const auto number = static_cast<std::uint32_t>(value);
  frame.append(reinterpret_cast<const char*>(&number), sizeof number);
}

std::string frame_of(std::span<const LintedText> texts) {
  std::string out;
  append(out, texts.size());
  for (const auto& [path, text] : texts) {
    append(out, path.size());
    out += path;
    append(out, text.size());
    out += text;
  }
  return out;
}

std::uint32_t number(Json json) { return static_cast<std::uint32_t>(std::uint64_t(json)); }

Linted linted(const std::string& tool, const LintedText& text, Json found) {
  Linted out;
  if (found.is_string()) {
    out.failure = std::string(std::string_view(found));
    return out;
  }
  for (Json row : simdjson::dom::array(found)) {
    const std::string_view rule = row.at(0);
    if (rule != kUnparsableRule && find_rule(tool, rule) == nullptr) continue;
    auto& diagnostic = out.diagnostics.emplace_back();
    diagnostic.tool = tool;
    diagnostic.rule = rule;
    diagnostic.severity = std::string_view(row.at(1));
    diagnostic.message = std::string_view(row.at(2));
    diagnostic.path = text.path;
    diagnostic.begin = {number(row.at(3)), number(row.at(4))};
    diagnostic.end = {number(row.at(5)), number(row.at(6))};
  }
  return out;
}

class PersistentLinter final : public PythonLinter {
 public:
  PersistentLinter(std::string tool, std::vector<std::string> argv, std::chrono::milliseconds timeout)
      : tool_(std::move(tool)), argv_(std::move(argv)), timeout_(timeout) {}

  // What the tool says of itself at its start: its version, or why it cannot be used.
  Frame begin() {
    helper_ = Helper::start(argv_);
    auto hello = helper_ ? helper_->receive(Clock::now() + kStartMax) : std::nullopt;
    if (!hello || hello->status != 0) helper_.reset();
    return hello ? std::move(*hello) : Frame{1, "the process did not start"};
  }

  Result<std::vector<Linted>> check(std::span<const LintedText> texts) override {
    if (!helper_)
      if (const auto hello = begin(); hello.status != 0) return Error{ErrorCode::io_error, tool_ + ": " + hello.text};
    const auto deadline = Clock::now() + timeout_ + kGrace;
    auto answer = helper_->send(frame_of(texts), deadline) ? helper_->receive(deadline) : std::nullopt;
    if (!answer) {
      helper_.reset();
      return Error{ErrorCode::unavailable, "the process died or did not answer in time"};
    }
    if (answer->status != 0) return Error{ErrorCode::unavailable, answer->text};
    try {
      std::vector<Linted> out;
      for (Json found : simdjson::dom::array(parser_.parse(answer->text))) out.push_back(linted(tool_, texts[out.size()], found));
      if (out.size() == texts.size()) return out;
    } catch (const simdjson::simdjson_error&) {
    }
    return Error{ErrorCode::unavailable, "an answer of another shape"};
  }

 private:
  std::string tool_;
  std::vector<std::string> argv_;
  std::chrono::milliseconds timeout_;
  simdjson::dom::parser parser_;
  std::unique_ptr<Helper> helper_;
};

// The interpreter that has the tools: named, or beside the tool's own script.
std::string interpreter_for(const std::string& tool, const Config& config) {
  if (!config.lint().python().empty()) return config.lint().python();
  const auto script = syntax::find_program(tool);
  if (!script.empty())
    for (const char* name : {"python3", "python"}) {
      const auto beside = std::filesystem::path(script).parent_path() / name;
      if (access(beside.c_str(), X_OK) == 0) return beside.string();
    }
  return syntax::find_program("python3");
}

}  // namespace

Result<std::unique_ptr<LintTool>> PythonLinter::start(const std::string& tool, const Config& config) {
  const std::string remedy = ": run `make deps` (installed: PREFIX/lib/mendel/install-linters), name an interpreter that has it by lint.python, or leave it out of --tools and lint.tools";
  const auto interpreter = interpreter_for(tool, config);
  if (interpreter.empty() || access(interpreter.c_str(), X_OK) != 0)
    return Error{ErrorCode::unavailable, tool + ": no interpreter" + (interpreter.empty() ? "" : " at " + interpreter) + remedy};
  const auto timeout = std::chrono::milliseconds(config.lint().timeout_ms());
  const std::vector<std::string> argv = {interpreter, "-I", "-c", kPythonLinterScript, tool, std::to_string(static_cast<double>(timeout.count()) / 1000),
                                         selected_rules(tool)};
  auto linter = std::make_unique<PersistentLinter>(tool, argv, timeout);
  if (const auto hello = linter->begin(); hello.status != 0)
    return Error{ErrorCode::unavailable, tool + " cannot be used by " + interpreter + " (" + hello.text + ")" + remedy};
  return std::unique_ptr<LintTool>(std::move(linter));
}

}  // namespace mendel::linter
