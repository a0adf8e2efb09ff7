// The helper is a few lines of Python that parse what they are sent; frames are length-prefixed.
//
//   to the helper:  u32 count, then per text u32 size and the bytes
//   from it:        per text u8 kind, u32 line, u32 size and the message; at its start its version alike
#include "actors/syntax/python_checker.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <mutex>

#include "actors/syntax/child_process.hpp"

namespace mendel::syntax {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kFrameBytes = 256u << 10;  // texts are sent in frames of about this size
constexpr std::size_t kFrameTexts = 256;
constexpr rlim_t kMemoryBytes = 2ull << 30;

constexpr char kScript[] = R"(
import ast, os, signal, struct, sys, warnings
warnings.simplefilter('ignore')
sys.setrecursionlimit(3000)
source, sink = os.fdopen(0, 'rb'), os.fdopen(1, 'wb')
def answer(kind, line, message):
    text = message.encode('utf-8', 'replace')[:400]
    sink.write(struct.pack('<BII', kind, line, len(text)) + text)
answer(0, 0, '%d.%d.%d' % sys.version_info[:3])
sink.flush()
limit = int(sys.argv[1])
while True:
    head = source.read(4)
    if len(head) < 4:
        break
    signal.alarm(limit)
    texts = [source.read(struct.unpack('<I', source.read(4))[0]) for _ in range(struct.unpack('<I', head)[0])]
    for text in texts:
        try:
            compile(text.decode('utf-8'), '<text>', 'exec', ast.PyCF_ONLY_AST, True)
            answer(0, 0, '')
        except SyntaxError as error:
            answer(1, error.lineno or 0, error.msg or '')
        except (RecursionError, MemoryError) as error:
            answer(2, 0, type(error).__name__)
        except (UnicodeDecodeError, ValueError) as error:
            answer(3, 0, str(error))
    signal.alarm(0)
    sink.flush()
)";

class Helper {
 public:
  static std::unique_ptr<Helper> start(const std::string& interpreter, std::uint32_t timeout_ms, std::string& version) {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) return nullptr;
    const auto limit = std::to_string(timeout_ms / 1000 + 2);
    const char* argv[] = {interpreter.c_str(), "-I", "-S", "-c", kScript, limit.c_str(), nullptr};
    const char* environment[] = {"LC_ALL=C.UTF-8", "PATH=/usr/local/bin:/usr/bin:/bin", nullptr};
    const pid_t child = fork();
    if (child == 0) {
      dup2(pair[1], 0);
      dup2(pair[1], 1);
      const rlimit memory{kMemoryBytes, kMemoryBytes}, none{0, 0};
      setrlimit(RLIMIT_AS, &memory);
      setrlimit(RLIMIT_CORE, &none);
      sigset_t empty;
      sigemptyset(&empty);
      sigprocmask(SIG_SETMASK, &empty, nullptr);
      signal(SIGINT, SIG_IGN);  // Ctrl-C is for us; the helper ends when its input does
      execve(interpreter.c_str(), const_cast<char**>(argv), const_cast<char**>(environment));
      _exit(127);
    }
    close(pair[1]);
    if (child < 0) {
      close(pair[0]);
      return nullptr;
    }
    std::unique_ptr<Helper> helper(new Helper(child, pair[0]));
    Validity hello;
    helper->deadline_ = Clock::now() + std::chrono::seconds(30);
    if (!helper->receive(hello)) return nullptr;
    version = hello.message;
    return helper;
  }

  ~Helper() {
    close(socket_);
    kill(child_, SIGKILL);
    waitpid(child_, nullptr, 0);
  }

  // False if the helper died or ran out of time: it is then of no more use.
  bool check(std::span<const std::string_view> texts, std::span<Validity> out, std::uint32_t timeout_ms) {
    deadline_ = Clock::now() + std::chrono::milliseconds(timeout_ms);
    std::string frame;
    append(frame, texts.size());
    for (const auto text : texts) {
      append(frame, text.size());
      frame.append(text);
    }
    if (!send_all(frame)) return false;
    for (auto& validity : out)
      if (!receive(validity)) return false;
    return true;
  }

 private:
  Helper(pid_t child, int socket) : child_(child), socket_(socket) {}

  static void append(std::string& frame, std::size_t value) {
    const auto number = static_cast<std::uint32_t>(value);
    char bytes[4];
    std::memcpy(bytes, &number, 4);
    frame.append(bytes, 4);
  }

  bool wait_for(short events) const {
    for (;;) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline_ - Clock::now()).count();
      if (left <= 0) return false;
      pollfd fd{socket_, events, 0};
      const int ready = poll(&fd, 1, static_cast<int>(left));
      if (ready > 0) return true;
      if (ready == 0 || errno != EINTR) return false;
    }
  }

  bool send_all(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto n = send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n > 0) bytes.remove_prefix(static_cast<std::size_t>(n));
      else if (n < 0 && errno != EAGAIN && errno != EINTR) return false;
      else if (!wait_for(POLLOUT)) return false;
    }
    return true;
  }

  bool read_exactly(char* to, std::size_t size) {
    while (size > 0) {
      if (buffered_at_ < buffer_.size()) {
        const auto n = std::min(size, buffer_.size() - buffered_at_);
        std::memcpy(to, buffer_.data() + buffered_at_, n);
        buffered_at_ += n;
        to += n;
        size -= n;
        continue;
      }
      buffer_.resize(1 << 16);
      buffered_at_ = 0;
      const bool ready = wait_for(POLLIN);
      const auto n = ready ? recv(socket_, buffer_.data(), buffer_.size(), 0) : 0;
      buffer_.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
      if (n <= 0) return false;
    }
    return true;
  }

  bool receive(Validity& validity) {
    char head[9];
    if (!read_exactly(head, sizeof head)) return false;
    std::uint32_t size;
    std::memcpy(&validity.line, head + 1, 4);
    std::memcpy(&size, head + 5, 4);
    if (head[0] > 3 || size > 400) return false;
    validity.kind = static_cast<Validity::Kind>(head[0]);
    validity.message.resize(size);
    return read_exactly(validity.message.data(), size);
  }

  pid_t child_;
  int socket_;
  Clock::time_point deadline_;
  std::string buffer_;
  std::size_t buffered_at_ = 0;
};

class Checker final : public PythonChecker {
 public:
  Checker(CheckerOptions options, std::string version, std::unique_ptr<Helper> first)
      : options_(std::move(options)), version_(std::move(version)), free_(options_.helpers) {
    free_[0] = std::move(first);
  }

  std::vector<Validity> check(std::span<const std::string_view> texts) override {
    std::vector<Validity> out(texts.size());
    auto helper = borrow();
    for (std::size_t begin = 0; begin < texts.size();) {
      std::size_t end = begin, bytes = 0;
      while (end < texts.size() && end - begin < kFrameTexts && (end == begin || bytes + texts[end].size() <= kFrameBytes)) bytes += texts[end++].size();
      check_frame(helper, texts.subspan(begin, end - begin), std::span(out).subspan(begin, end - begin));
      begin = end;
    }
    give_back(std::move(helper));
    return out;
  }

  std::string version() const override { return version_; }

 private:
  bool try_frame(std::unique_ptr<Helper>& helper, std::span<const std::string_view> texts, std::span<Validity> out) {
    if (!helper) {
      std::string version;
      helper = Helper::start(options_.interpreter, options_.timeout_ms, version);
    }
    if (helper && helper->check(texts, out, options_.timeout_ms)) return true;
    helper.reset();
    return false;
  }

  // Halves a failing frame until the culprits stand alone; a single text gets a second, fresh helper.
  void check_frame(std::unique_ptr<Helper>& helper, std::span<const std::string_view> texts, std::span<Validity> out) {
    if (try_frame(helper, texts, out)) return;
    if (texts.size() == 1) {
      if (!try_frame(helper, texts, out)) out[0] = {Validity::Kind::too_complex, 0, "CPython crashed or ran out of time on this text"};
      return;
    }
    const auto half = texts.size() / 2;
    check_frame(helper, texts.first(half), out.first(half));
    check_frame(helper, texts.subspan(half), out.subspan(half));
  }

  std::unique_ptr<Helper> borrow() {
    std::unique_lock lock(mutex_);
    returned_.wait(lock, [&] { return lent_ < free_.size(); });
    ++lent_;
    for (auto& helper : free_)
      if (helper) return std::move(helper);
    return nullptr;
  }

  void give_back(std::unique_ptr<Helper> helper) {
    {
      std::lock_guard lock(mutex_);
      --lent_;
      for (auto& slot : free_)
        if (!slot) {
          slot = std::move(helper);
          break;
        }
    }
    returned_.notify_one();
  }

  CheckerOptions options_;
  std::string version_;
  std::mutex mutex_;
  std::condition_variable returned_;
  std::vector<std::unique_ptr<Helper>> free_;
  std::size_t lent_ = 0;
};

}  // namespace

Result<std::unique_ptr<PythonChecker>> PythonChecker::start(CheckerOptions options) {
  if (options.interpreter.empty()) options.interpreter = find_program("python3");
  if (options.helpers == 0) options.helpers = 1;
  std::string version;
  auto first = options.interpreter.empty() ? nullptr : Helper::start(options.interpreter, options.timeout_ms, version);
  if (!first)
    return Error{ErrorCode::unavailable, (options.interpreter.empty() ? std::string("python3") : options.interpreter) +
                                             " cannot be run: install python3 or set python.interpreter"};
  return std::unique_ptr<PythonChecker>(new Checker(std::move(options), std::move(version), std::move(first)));
}

}  // namespace mendel::syntax
