// What the service manager hears, on a socket of the test's own.
#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "actors/runtime/service_notice.hpp"
#include "tests/storage/samples.hpp"

using namespace mendel::runtime;
using namespace std::chrono_literals;

namespace {

// Listens as systemd does; the environment is what systemd sets.
class Manager {
 public:
  explicit Manager(const char* watchdog_usec) {
    socket_ = ::socket(AF_UNIX, SOCK_DGRAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const auto path = (folder_.path / "notify").string();
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    REQUIRE(::bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
    ::setenv("WATCHDOG_USEC", watchdog_usec, 1);
    ::unsetenv("WATCHDOG_PID");
  }
  ~Manager() {
    ::unsetenv("NOTIFY_SOCKET");
    ::unsetenv("WATCHDOG_USEC");
    ::close(socket_);
  }

  // Everything said since the last call.
  std::vector<std::string> heard() {
    std::vector<std::string> out;
    char text[4096];
    for (ssize_t n = ::recv(socket_, text, sizeof text, MSG_DONTWAIT); n >= 0; n = ::recv(socket_, text, sizeof text, MSG_DONTWAIT))
      out.emplace_back(text, static_cast<std::size_t>(n));
    return out;
  }

 private:
  mendel::storage::samples::Folder folder_;
  int socket_;
};

using Heard = std::vector<std::string>;
const ProcessHealth::Time kStart = ProcessHealth::Time{} + 1h;

}  // namespace

TEST_CASE("the manager hears READY once, the status when it changes, and the watchdog while the process is well") {
  Manager manager("300000");
  ServiceNotice notice;
  notice.tell({true, false, "starting"}, kStart);
  CHECK(manager.heard() == Heard{"STATUS=starting", "WATCHDOG=1"});
  notice.started();
  notice.tell({true, false, "waiting"}, kStart + 50ms);
  CHECK(manager.heard() == Heard{"READY=1"});  // status and watchdog have their times
  notice.tell({true, true, "3 running"}, kStart + 1s);
  CHECK(manager.heard() == Heard{"STATUS=3 running", "WATCHDOG=1"});
  notice.tell({true, true, "3 running"}, kStart + 2s);
  CHECK(manager.heard() == Heard{"WATCHDOG=1"});
}

TEST_CASE("a process whose actors do not answer no longer feeds the watchdog") {
  Manager manager("300000");
  ServiceNotice notice;
  notice.tell({false, false, ""}, kStart);
  CHECK(manager.heard().empty());
}

TEST_CASE("STOPPING is said once, and the status stays as it was then") {
  Manager manager("0");
  ServiceNotice notice;
  notice.stopping("finishing");
  notice.stopping("again");
  notice.tell({true, false, "something else"}, kStart);
  CHECK(manager.heard() == Heard{"STOPPING=1\nSTATUS=finishing"});
}

TEST_CASE("without a manager nothing is said and nothing breaks") {
  ServiceNotice notice;
  notice.started();
  notice.tell({true, true, "works"}, kStart);
  notice.stopping("ended");
  CHECK(std::getenv("NOTIFY_SOCKET") == nullptr);
}
