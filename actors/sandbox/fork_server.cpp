// One interpreter in a sandbox, forked for each run; see server.py for what happens inside.
#include <sys/socket.h>

#include <cstring>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>

#include "actors/sandbox/command_line.hpp"
#include "actors/sandbox/control_group.hpp"
#include "actors/sandbox/harness_text.hpp"
#include "actors/sandbox/launch.hpp"
#include "actors/sandbox/run_watch.hpp"
#include "actors/sandbox/system_call_filter.hpp"

namespace mendel::sandbox {
namespace {

constexpr std::size_t kDescriptorsMax = 6;  // request, output, errors, report, status; the folder of the run's control group

std::string base64(std::string_view bytes) {
  static constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t word = 0;
    for (std::size_t k = 0; k < 3; ++k) word = word << 8 | (i + k < bytes.size() ? static_cast<std::uint8_t>(bytes[i + k]) : 0u);
    for (std::size_t k = 0; k < 4; ++k) out.push_back(i + k > bytes.size() ? '=' : kDigits[word >> (18 - 6 * k) & 63]);
  }
  return out;
}

bool send_descriptors(int socket, std::span<const int> descriptors) {
  char word[] = "run";
  iovec part{word, sizeof word - 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kDescriptorsMax)] = {};
  const auto bytes = sizeof(int) * descriptors.size();
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = CMSG_SPACE(bytes);
  auto* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(bytes);
  std::memcpy(CMSG_DATA(header), descriptors.data(), bytes);
  return sendmsg(socket, &message, MSG_NOSIGNAL) > 0;
}

// One running server. Ends with this object.
struct Server {
  Child child;
  Descriptor socket;
};

class ForkServer final : public Runner {
 public:
  ForkServer(Settings settings, std::string filter) : settings_(std::move(settings)), filter_(base64(filter)) {}

  Outcome start() {
    auto socket = make_socket_pair(SOCK_SEQPACKET);
    auto output = make_output_pipe();
    if (!socket) return socket.error();
    if (!output) return output.error();
    const int descriptors[] = {socket->theirs.get(), output->theirs.get(), output->theirs.get()};
    auto child = launch(bwrap_command(settings_, settings_.limits, -1, {server_text(), "serve", filter_}), descriptors, {.dies_with_thread = false});
    if (!child) return child.error();
    socket->theirs.reset();
    output->theirs.reset();
    char hello[16];
    if (recv(socket->ours.get(), hello, sizeof hello, 0) <= 0) {
      char said[1000];
      const auto n = read(output->ours.get(), said, sizeof said);
      const int status = child->reap();
      return Error{ErrorCode::unavailable, "sandbox: the fork-server did not start (status " + std::to_string(status) + "): " + std::string(said, n > 0 ? static_cast<std::size_t>(n) : 0)};
    }
    server_ = std::make_shared<Server>(Server{std::move(*child), std::move(socket->ours)});
    return Done{};
  }

  Result<RunResult> run(const Run& run) override {
    auto answer = run_on(current(), run);
    if (answer || answer.error().code != ErrorCode::interrupted) return answer;
    const auto again = restarted();
    return again ? run_on(*again, run) : again.error();
  }

 private:
  using ServerPtr = std::shared_ptr<Server>;

  ServerPtr current() {
    const std::lock_guard lock(mutex_);
    return server_;
  }

  Result<ServerPtr> restarted() {
    const std::lock_guard lock(mutex_);
    char nothing;
    if (recv(server_->socket.get(), &nothing, 1, MSG_PEEK | MSG_DONTWAIT) != 0) return server_;  // another thread was first
    if (auto started = start(); !started) return started.error();
    return server_;
  }

  // interrupted: the server is gone, and the run with it.
  Result<RunResult> run_on(const ServerPtr& server, const Run& run) {
    auto request = memory_with(request_of(run, inner_packages(settings_)));
    auto output = make_output_pipe(), errors = make_output_pipe();
    auto report = make_socket_pair(SOCK_STREAM), status = make_socket_pair(SOCK_STREAM);
    if (!request) return request.error();
    for (auto* pair : {&output, &errors, &report, &status})
      if (!*pair) return pair->error();
    const Error gone{ErrorCode::interrupted, "sandbox: the fork-server is gone"};
    std::optional<ControlGroup> group;
    std::vector<int> descriptors = {request->get(), output->theirs.get(), errors->theirs.get(), report->theirs.get(), status->theirs.get()};
    if (!settings_.group.empty()) {
      auto made = ControlGroup::make(settings_.group, run.limits, geteuid() == 0 ? std::optional<uid_t>(kNobody) : std::nullopt);
      if (!made) return made.error();
      group.emplace(*std::move(made));
      descriptors.push_back(group->descriptor());
    }
    if (!send_descriptors(server->socket.get(), descriptors)) return gone;
    for (auto* pair : {&*output, &*errors, &*report, &*status}) pair->theirs.reset();
    RunWatch watch(run, {std::move(output->ours), std::move(errors->ours), std::move(report->ours), status->ours.get()});
    bool killed = false;
    watch.wait([&] {
      killed = true;
      if (group) group->kill();
      status->ours.reset();
    });
    if (killed) return watch.result({128 + 9, 0, false});
    char text[512];
    const auto n = recv(status->ours.get(), text, sizeof text, 0);
    if (group && group->ran_out_of_memory()) return watch.result({128 + 9, 0, true});  // its first process may have been ended too
    if (n <= 0) return gone;
    const auto said = nlohmann::json::parse(text, text + n, nullptr, false);
    if (!said.is_object() || said.contains("fault"))
      return Error{ErrorCode::unavailable, "sandbox: no namespaces for a run: " + (said.is_object() ? said.value("fault", "") : std::string(text, static_cast<std::size_t>(n)))};
    if (said.contains("memory")) return watch.result({128 + 9, 0, true});
    const int code = said.value("status", 255);
    return watch.result({code < 0 ? 128 - code : code, said.value("cpu_us", std::uint64_t{0}), false});
  }

  Settings settings_;
  std::string filter_;
  std::mutex mutex_;
  ServerPtr server_;
};

}  // namespace

Result<std::unique_ptr<Runner>> fork_server(Settings settings) {
  if (settings.backend != "bwrap") return Error{ErrorCode::unavailable, "sandbox: the fork-server needs the backend bwrap, not " + settings.backend};
  auto filter = system_call_filter();
  if (!filter) return filter.error();
  auto server = std::make_unique<ForkServer>(std::move(settings), std::move(*filter));
  if (auto started = server->start(); !started) return started.error();
  return std::unique_ptr<Runner>(std::move(server));
}

}  // namespace mendel::sandbox
