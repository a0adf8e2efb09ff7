// A NATS server with JetStream in a folder of its own, on a port of its own, that syncs every message; killed at the end.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>

#include "tests/storage/samples.hpp"

namespace mendel::runtime::samples {

class NatsServer {
 public:
  // Waits until it listens. `url` stays empty if there is no such program.
  NatsServer() : port_(free_port()) { start(); }
  ~NatsServer() { stop(); }

  std::string url;
  // How its messages reach the disk before they are confirmed: by its own setting (from 2.10 on), by a folder whose files
  // are written synchronously (chattr +S, inherited), or not at all where the file system knows no such thing.
  enum class Synced { by_setting, by_folder, not_at_all } synced = Synced::not_at_all;
  const std::filesystem::path& folder() const { return folder_.path; }

  void start() {
    const auto settings = configure();
    child_ = ::fork();
    if (child_ == 0) {
      const int nowhere = ::open("/dev/null", O_RDWR);
      for (int fd : {0, 1, 2}) ::dup2(nowhere, fd);
      ::execlp("nats-server", "nats-server", "-a", "127.0.0.1", "-p", std::to_string(port_).c_str(), "-c", settings.c_str(), nullptr);
      ::_exit(127);
    }
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (std::chrono::steady_clock::now() < until) {
      if (::waitpid(child_, nullptr, WNOHANG) == child_) {
        child_ = 0;
        return;
      }
      if (const int socket = connected(port_); socket >= 0) {
        ::close(socket);
        url = "nats://127.0.0.1:" + std::to_string(port_);
        return;
      }
      std::this_thread::yield();
    }
  }

  void stop() {
    std::error_code error;
    std::filesystem::remove(folder_.path.string() + ".conf", error);
    if (child_ == 0) return;
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
    child_ = 0;
  }

 private:
  // The path of its settings.
  std::string configure() {
    const auto path = folder_.path.string() + ".conf";
    const auto write = [&](const char* more) { std::ofstream(path) << "jetstream { store_dir: \"" << folder_.path.string() << "\"" << more << " }\n"; };
    write(", sync_interval: always");
    std::filesystem::create_directories(folder_.path);
    if (std::system(("nats-server -t -c " + path + " >/dev/null 2>&1").c_str()) == 0) {
      synced = Synced::by_setting;
      return path;
    }
    write("");
    synced = is_synchronous(folder_.path, true) ? Synced::by_folder : Synced::not_at_all;
    return path;
  }

 public:
  // Whether every write to that file or to files in that folder is synchronous; `make`: from now on.
  static bool is_synchronous(const std::filesystem::path& path, bool make = false) {
    const int file = ::open(path.c_str(), O_RDONLY);
    int flags = 0;
    bool known = file >= 0 && ::ioctl(file, FS_IOC_GETFLAGS, &flags) == 0;
    if (known && make) {
      flags |= FS_SYNC_FL;
      known = ::ioctl(file, FS_IOC_SETFLAGS, &flags) == 0;
    }
    if (file >= 0) ::close(file);
    return known && (flags & FS_SYNC_FL) != 0;
  }

 private:
  static sockaddr_in address_of(int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
  }
  static int free_port() {
    const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
    auto address = address_of(0);
    socklen_t size = sizeof address;
    static_cast<void>(::bind(socket, reinterpret_cast<sockaddr*>(&address), size));
    ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
    ::close(socket);
    return ntohs(address.sin_port);
  }
  static int connected(int port) {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const auto address = address_of(port);
    if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return socket;
    ::close(socket);
    return -1;
  }

  storage::samples::Folder folder_;
  int port_;
  pid_t child_ = 0;
};

}  // namespace mendel::runtime::samples
