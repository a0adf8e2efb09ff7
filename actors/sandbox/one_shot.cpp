// A sandbox of its own for each run.
#include <sys/socket.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <optional>

#include "actors/sandbox/command_line.hpp"
#include "actors/sandbox/control_group.hpp"
#include "actors/sandbox/harness_text.hpp"
#include "actors/sandbox/launch.hpp"
#include "actors/sandbox/run_watch.hpp"
#include "actors/sandbox/system_call_filter.hpp"
#include "actors/syntax/child_process.hpp"

namespace mendel::sandbox {
namespace {

constexpr int kFilterDescriptor = 4;

std::uint64_t microseconds_since(std::chrono::steady_clock::time_point started) {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - started).count());
}

// The ends of a run that has a process of its own.
struct Pipes {
  DescriptorPair output, errors, report;

  static Result<Pipes> open() {
    auto output = make_output_pipe(), errors = make_output_pipe(), report = make_socket_pair(SOCK_STREAM);
    for (const auto* pair : {&output, &errors, &report})
      if (!*pair) return pair->error();
    return Pipes{std::move(*output), std::move(*errors), std::move(*report)};
  }
  void close_theirs() {
    for (auto* pair : {&output, &errors, &report}) pair->theirs.reset();
  }
  RunEnds ours(int over) { return {std::move(output.ours), std::move(errors.ours), std::move(report.ours), over}; }
};

// Without a group the processor time is bounded by the time that passed: no backend hands on what its descendants used.
Result<RunResult> watched(const Run& run, Pipes& pipes, Child& child, const ControlGroup* group, const std::function<void()>& kill) {
  const auto started = std::chrono::steady_clock::now();
  RunWatch watch(run, pipes.ours(child.end_notice()));
  watch.wait(kill);
  const int status = child.reap();
  const auto passed = microseconds_since(started);
  if (group == nullptr) return watch.result({status, passed, false});
  return watch.result({status, group->cpu_us().value_or(passed), group->ran_out_of_memory()});
}

class OneShot final : public Runner {
 public:
  explicit OneShot(Settings settings) : settings_(std::move(settings)), filter_(system_call_filter()) {}

  Result<RunResult> run(const Run& run) override {
    if (!filter_) return filter_.error();
    auto request = memory_with(request_of(run, inner_packages(settings_)));
    auto filter = memory_with(*filter_);
    auto pipes = Pipes::open();
    if (!request) return request.error();
    if (!filter) return filter.error();
    if (!pipes) return pipes.error();
    std::optional<ControlGroup> group;
    if (!settings_.group.empty()) {
      auto made = ControlGroup::make(settings_.group, run.limits);
      if (!made) return made.error();
      group.emplace(*std::move(made));
    }
    const int descriptors[] = {request->get(), pipes->output.theirs.get(), pipes->errors.theirs.get(), pipes->report.theirs.get(), filter->get()};
    auto child = launch(bwrap_command(settings_, run.limits, kFilterDescriptor, {harness_text(), "once"}), descriptors, {.group = group ? group->descriptor() : -1});
    if (!child) return child.error();
    pipes->close_theirs();
    return watched(run, *pipes, *child, group ? &*group : nullptr, [&] {
      if (group) group->kill();
      child->kill();
    });
  }

 private:
  Settings settings_;
  Result<std::string> filter_;
};

// podman and docker hand on three streams and no more: the report shares a socket with the request.
class ContainerRun final : public Runner {
 public:
  explicit ContainerRun(Settings settings) : settings_(std::move(settings)) {}

  Result<RunResult> run(const Run& run) override {
    auto pipes = Pipes::open();
    if (!pipes) return pipes.error();
    const auto name = "mendel-" + std::to_string(getpid()) + "-" + std::to_string(++count_);
    const int descriptors[] = {pipes->report.theirs.get(), pipes->report.theirs.get(), pipes->errors.theirs.get()};
    auto child = launch(container_command(settings_, run.limits, name, {harness_text(), "piped"}), descriptors, {.as_ourselves = true});
    if (!child) return child.error();
    pipes->close_theirs();
    const auto request = request_of(run, inner_packages(settings_)) + "\n";
    for (std::size_t sent = 0; sent < request.size();) {
      const auto n = send(pipes->report.ours.get(), request.data() + sent, request.size() - sent, MSG_NOSIGNAL);
      if (n <= 0) break;  // it ended; the watch finds out how
      sent += static_cast<std::size_t>(n);
    }
    return watched(run, *pipes, *child, nullptr, [&] {
      syntax::ChildOptions remove;
      remove.argv = {settings_.program, "rm", "--force", name};
      remove.timeout = std::chrono::seconds(20);
      (void)syntax::run_child(remove);
      child->kill();
    });
  }

 private:
  Settings settings_;
  std::atomic<std::uint64_t> count_{0};
};

}  // namespace

std::unique_ptr<Runner> one_shot(Settings settings) {
  if (settings.backend != "bwrap") return std::make_unique<ContainerRun>(std::move(settings));
  return std::make_unique<OneShot>(std::move(settings));
}

}  // namespace mendel::sandbox
