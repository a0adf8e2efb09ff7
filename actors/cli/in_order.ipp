// Body of in_order: a window of futures, so that at most 4 results a thread wait for their turn.
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>

namespace mendel::cli {

template <class T>
void in_order(std::uint64_t count, std::uint32_t jobs, const std::function<T(std::uint64_t)>& work,
              const std::function<void(std::uint64_t, T)>& emit) {
  if (jobs <= 1) {
    for (std::uint64_t i = 0; i < count && !interrupted(); ++i) emit(i, work(i));
    return;
  }
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::optional<T>> window;  // results of first, first + 1, ...
  std::uint64_t first = 0, next = 0;
  const std::uint64_t ahead = 4ull * jobs;
  bool stop = false;
  const auto run = [&] {
    for (;;) {
      std::uint64_t mine;
      {
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return stop || next >= count || next < first + ahead; });
        if (stop || next >= count) return;
        mine = next++;
        window.emplace_back();
      }
      T result = work(mine);
      {
        std::lock_guard lock(mutex);
        window[mine - first] = std::move(result);
      }
      changed.notify_all();
    }
  };
  std::vector<std::thread> threads;
  for (std::uint32_t j = 0; j < jobs; ++j) threads.emplace_back(run);
  while (first < count && !interrupted()) {
    std::optional<T> result;
    {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return !window.empty() && window.front().has_value(); });
      result = std::move(window.front());
      window.pop_front();
      ++first;
    }
    changed.notify_all();
    emit(first - 1, std::move(*result));
  }
  {
    std::lock_guard lock(mutex);
    stop = true;
  }
  changed.notify_all();
  for (auto& thread : threads) thread.join();
}

}  // namespace mendel::cli
