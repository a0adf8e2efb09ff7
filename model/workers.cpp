// The threads behind workers.hpp.
#include "workers.hpp"

#include <ATen/Parallel.h>
#include <time.h>

#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace mendel::model {
namespace {

double thread_cpu_s() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

}  // namespace

struct Workers::State {
  std::mutex mutex;
  std::condition_variable begin, end;
  std::vector<std::thread> threads;
  const std::function<void(std::size_t)>* part = nullptr;
  std::size_t parts = 0, busy = 0;
  std::uint64_t round = 0;
  bool stop = false;
  std::atomic<std::size_t> next{0};
  std::exception_ptr error;
  double cpu_s = 0;

  // Answers the CPU seconds it took.
  double work() {
    const double before = thread_cpu_s();
    for (std::size_t i; (i = next.fetch_add(1)) < parts;) {
      try {
        (*part)(i);
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (!error) error = std::current_exception();
      }
    }
    return thread_cpu_s() - before;
  }

  void serve() {
    at::set_num_threads(1);
    std::unique_lock lock(mutex);
    for (std::uint64_t seen = 0;;) {
      begin.wait(lock, [&] { return stop || round != seen; });
      if (stop) return;
      seen = round;
      lock.unlock();
      const double spent = work();
      lock.lock();
      cpu_s += spent;
      if (--busy == 0) end.notify_one();
    }
  }
};

Workers::Workers(std::uint32_t threads) : state_(std::make_unique<State>()) {
  at::set_num_threads(1);
  for (std::uint32_t i = 1; i < threads; ++i) state_->threads.emplace_back([s = state_.get()] { s->serve(); });
}

Workers::~Workers() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stop = true;
  }
  state_->begin.notify_all();
  for (auto& t : state_->threads) t.join();
}

void Workers::run(std::size_t parts, const std::function<void(std::size_t)>& part) {
  auto& s = *state_;
  // The caller may be another thread than the one that made the workers.
  if (at::get_num_threads() != 1) at::set_num_threads(1);
  {
    const std::lock_guard lock(s.mutex);
    s.part = &part;
    s.parts = parts;
    s.next = 0;
    s.busy = s.threads.size();
    ++s.round;
  }
  s.begin.notify_all();
  s.work();
  std::unique_lock lock(s.mutex);
  s.end.wait(lock, [&] { return s.busy == 0; });
  if (s.error) std::rethrow_exception(std::exchange(s.error, nullptr));
}

double Workers::cpu_s() const {
  const std::lock_guard lock(state_->mutex);
  return state_->cpu_s + thread_cpu_s();
}

std::uint32_t Workers::threads() const { return static_cast<std::uint32_t>(state_->threads.size()) + 1; }

}  // namespace mendel::model
