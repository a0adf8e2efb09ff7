// mendel status, mendel top: a running plant as one look or live; a stopped one by its store.
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <thread>

#include "actors/cli/commands.hpp"
#include "actors/cli/coordinator_question.hpp"
#include "actors/cli/plant_progress.hpp"
#include "proto/pair_json.hpp"

namespace mendel::cli {
namespace {

constexpr std::chrono::milliseconds kRefresh{1000}, kStep{100};

int status(const Context& context) {
  const auto running = running_status(context);
  if (!running) return fail(running.error());
  const auto shown = *running ? Result<Status>(**running) : stored_status(context);
  if (!shown) return fail(shown.error());
  if (context.json) {
    auto out = nlohmann::ordered_json::parse(to_json(*shown), nullptr, false);
    out["running"] = running->has_value();
    std::printf("%s\n", out.dump().c_str());
  } else {
    if (!*running) std::printf("no plant runs on %s; its store says:\n", context.data.c_str());
    std::fputs(describe(*shown, running->has_value()).c_str(), stdout);
  }
  return kDone;
}

// Redraws in place on a terminal; elsewhere one look after another.
int top(const Context& context) {
  const bool terminal = context.terminal_err;
  for (;;) {
    const auto running = running_status(context);
    if (!running) return fail(running.error());
    if (!*running) return fail({ErrorCode::not_found, "no plant runs on " + context.data.string() + " (any more); see: mendel status"});
    std::printf("%s%s", terminal ? "\033[H\033[2J" : "", describe(**running, true).c_str());
    if (std::fflush(stdout) != 0) return kFailed;
    const auto until = std::chrono::steady_clock::now() + kRefresh;
    while (std::chrono::steady_clock::now() < until) {
      if (interrupted()) return kInterrupted;
      std::this_thread::sleep_for(kStep);
    }
  }
}

std::function<int()> declare_status(CLI::App&, Context& context) {
  return [&context] { return status(context); };
}
std::function<int()> declare_top(CLI::App&, Context& context) {
  return [&context] { return top(context); };
}

}  // namespace

const Subcommand kStatusCommand = {"status", "stages, depths, nodes, leases, time left: one look", "  mendel status\n  mendel --data plant --json status", declare_status};
const Subcommand kTopCommand = {"top", "the same, live on the terminal", "  mendel top", declare_top};

}  // namespace mendel::cli
