// What people see: errors, notes, progress, and what Ctrl-C does.
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <mutex>
#include <thread>

#include "actors/cli/context.hpp"

namespace mendel::cli {
namespace {

std::atomic<int> g_signals{0}, g_first{0};

void on_signal(int number) {
  int none = 0;
  g_first.compare_exchange_strong(none, number);
  if (g_signals.fetch_add(1) > 0) {
    std::signal(number, SIG_DFL);
    std::raise(number);
  }
}

std::string amount(double value) {
  char text[32];
  if (value > 0 && value < 10) std::snprintf(text, sizeof text, value == std::floor(value) ? "%.0f" : "%.1f", value);
  else if (value < 10000) std::snprintf(text, sizeof text, "%.0f", value);
  else if (value < 1e7) std::snprintf(text, sizeof text, "%.1fk", value / 1e3);
  else std::snprintf(text, sizeof text, "%.1fM", value / 1e6);
  return text;
}

std::string duration(double seconds) {
  char text[32];
  const auto s = static_cast<long>(seconds + 0.5);
  if (s < 60) std::snprintf(text, sizeof text, "%lds", s);
  else if (s < 3600) std::snprintf(text, sizeof text, "%ldm%02lds", s / 60, s % 60);
  else std::snprintf(text, sizeof text, "%ldh%02ldm", s / 3600, s / 60 % 60);
  return text;
}

}  // namespace

int fail(const Error& error) {
  const bool stopped = error.code == ErrorCode::interrupted;
  std::fprintf(stderr, "mendel: %s%s\n", stopped ? "" : "error: ", error.what.c_str());
  return stopped ? kInterrupted : kFailed;
}

int fail_use(std::string_view message) {
  std::fprintf(stderr, "mendel: error: %.*s (see --help)\n", static_cast<int>(message.size()), message.data());
  return kWrongUse;
}

void note(std::string_view message) { std::fprintf(stderr, "%.*s\n", static_cast<int>(message.size()), message.data()); }

void warn(std::string_view message) {
  std::fprintf(stderr, "mendel: warning: %.*s\n", static_cast<int>(message.size()), message.data());
}

int stop_signal() { return g_first.load(std::memory_order_relaxed); }

bool interrupted() { return g_signals.load(std::memory_order_relaxed) > 0; }

void install_interrupt_handler() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

struct Progress::State {
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::milliseconds kRedraw{200};
  static constexpr std::chrono::seconds kPlainLine{10};

  std::mutex mutex;
  std::string what, unit, words;
  std::uint64_t done = 0, total = 0;
  bool terminal = false, colour = false, finished = false, drawn = false;
  Clock::time_point start = Clock::now(), last = start;

  std::string line() const {
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    const double rate = seconds > 0 ? static_cast<double>(done) / seconds : 0;
    if (total == 0 && done == 0) return what + (finished ? "  in " : "  ") + duration(seconds);
    std::string out = what + "  " + amount(static_cast<double>(done));
    if (total > 0) out += "/" + amount(static_cast<double>(total));
    out += " " + unit;
    if (seconds >= 1 && unit != "%") out += "  " + amount(rate) + "/s";
    if (!finished && total > done && rate > 0) out += "  ETA " + duration(static_cast<double>(total - done) / rate);
    if (!words.empty()) out += "  " + words;
    if (finished) out += "  in " + duration(seconds);
    return out;
  }

  std::string bar() const {
    if (total == 0) return {};
    constexpr int kWidth = 24;
    const auto filled = static_cast<int>(static_cast<double>(kWidth) * static_cast<double>(std::min(done, total)) / static_cast<double>(total));
    std::string out = " [";
    for (int i = 0; i < kWidth; ++i) out += i < filled ? "█" : "·";
    char percent[16];
    std::snprintf(percent, sizeof percent, "] %3.0f%%", 100.0 * static_cast<double>(done) / static_cast<double>(total));
    return out + percent;
  }

  void draw() {
    if (terminal) {
      std::fprintf(stderr, "\r\033[K%s%s%s%s", colour ? "\033[36m" : "", line().c_str(), bar().c_str(), colour ? "\033[0m" : "");
      if (finished) std::fputc('\n', stderr);
    } else {
      std::fprintf(stderr, "%s\n", line().c_str());
    }
    drawn = true;
    last = Clock::now();
  }

  void maybe_draw() {
    const auto since = Clock::now() - last;
    if (terminal ? since >= kRedraw : since >= kPlainLine) draw();
  }
};

Progress::Progress(const Context& context, std::string what, std::uint64_t total, std::string unit)
    : state_(std::make_unique<State>()) {
  state_->what = std::move(what);
  state_->unit = std::move(unit);
  state_->total = total;
  state_->terminal = context.terminal_err;
  state_->colour = context.colour_err;
}

Progress::~Progress() { finish(); }

void Progress::add(std::uint64_t n) {
  std::lock_guard lock(state_->mutex);
  state_->done += n;
  state_->maybe_draw();
}

void Progress::set(std::uint64_t done, std::uint64_t total) {
  std::lock_guard lock(state_->mutex);
  state_->done = done;
  state_->total = total;
  state_->maybe_draw();
}

void Progress::tell(std::string words) {
  std::lock_guard lock(state_->mutex);
  state_->words = std::move(words);
}

void Progress::finish() {
  std::lock_guard lock(state_->mutex);
  if (state_->finished) return;
  state_->finished = true;
  if (state_->terminal || state_->drawn) state_->draw();
}

}  // namespace mendel::cli
