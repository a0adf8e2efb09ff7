// A sandbox of its own for each run.
#include <sys/socket.h>

#include <atomic>
#include <nlohmann/json.hpp>

#include "actors/sandbox/command_line.hpp"
#include "actors/sandbox/harness_text.hpp"
#include "actors/sandbox/launch.hpp"
#include "actors/sandbox/run_watch.hpp"
#include "actors/sandbox/system_call_filter.hpp"

namespace mendel::sandbox {
namespace {

constexpr int kFilterDescriptor = 4;

class OneShot final : public Runner {
 public:
  explicit OneShot(Settings settings) : settings_(std::move(settings)), filter_(system_call_filter()) {}

  Result<RunResult> run(const Run& run) override {
    if (settings_.backend != "bwrap") return Error{ErrorCode::unavailable, "sandbox: " + settings_.backend + " runs through container_run"};
    if (!filter_) return filter_.error();
    auto request = memory_with(request_of(run, settings_.packages));
    auto filter = memory_with(*filter_);
    auto output = make_output_pipe(), errors = make_output_pipe();
    auto report = make_socket_pair(SOCK_STREAM);
    for (const Error* error : {error_of(request), error_of(filter), error_of(output), error_of(errors), error_of(report)})
      if (error != nullptr) return *error;
    const int descriptors[] = {request->get(), output->theirs.get(), errors->theirs.get(), report->theirs.get(), filter->get()};
    auto child = launch(bwrap_command(settings_, run.limits, kFilterDescriptor, {harness_text(), "once"}), descriptors, true);
    if (!child) return child.error();
    for (auto* pair : {&*output, &*errors, &*report}) pair->theirs.reset();
    RunWatch watch(run, {std::move(output->ours), std::move(errors->ours), std::move(report->ours), child->end_notice()});
    watch.wait([&] { child->kill(); });
    const auto end = child->reap();
    return watch.result({end.status, end.cpu_us});
  }

 private:
  template <class T>
  static const Error* error_of(const Result<T>& result) {
    return result ? nullptr : &result.error();
  }

  Settings settings_;
  Result<std::string> filter_;
};

}  // namespace

std::unique_ptr<Runner> one_shot(Settings settings) { return std::make_unique<OneShot>(std::move(settings)); }

}  // namespace mendel::sandbox
