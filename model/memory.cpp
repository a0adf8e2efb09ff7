// Linux's files about memory, and the allocator's own reports.
#include "memory.hpp"

#include <ATen/ATen.h>
#include <c10/core/Allocator.h>
#include <c10/util/Exception.h>
#include <c10/util/ThreadLocalDebugInfo.h>
#include <sys/resource.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <new>
#include <sstream>
#include <string>

namespace mendel::model {
namespace {

constexpr std::uint64_t kUnknown = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t kKib = 1024;

// The number of KiB behind `key` in a file like /proc/meminfo, as bytes.
std::uint64_t field_bytes(const char* path, const std::string& key) {
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with(key)) continue;
    std::istringstream rest(line.substr(key.size()));
    std::uint64_t kib = 0;
    return rest >> kib ? kib * kKib : kUnknown;
  }
  return kUnknown;
}

std::uint64_t number_in(const std::string& path) {
  std::ifstream in(path);
  std::uint64_t value = 0;
  return in >> value ? value : kUnknown;  // "max" is no number
}

// Of the control group of this process and those above it.
std::uint64_t group_free_bytes() {
  std::ifstream in("/proc/self/cgroup");
  std::string line, path;
  while (std::getline(in, line))
    if (line.starts_with("0::")) path = line.substr(3);
  std::uint64_t out = kUnknown;
  for (;; path = path.substr(0, path.rfind('/'))) {
    const auto folder = "/sys/fs/cgroup" + (path == "/" ? std::string() : path);
    const auto limit = number_in(folder + "/memory.max"), used = number_in(folder + "/memory.current");
    if (limit != kUnknown && used != kUnknown) out = std::min(out, limit > used ? limit - used : 0);
    if (path.empty() || path == "/") return out;
  }
}

std::uint64_t own_free_bytes() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return kUnknown;
  const auto used = field_bytes("/proc/self/status", "VmSize:");
  return used == kUnknown ? kUnknown : limit.rlim_cur > used ? limit.rlim_cur - used : 0;
}

class Meter : public c10::MemoryReportingInfoBase {
 public:
  void reportMemoryUsage(void*, std::int64_t bytes, std::size_t, std::size_t, c10::Device) override {
    now_ += bytes;
    peak_ = std::max(peak_, now_);
  }
  bool memoryProfilingEnabled() const override { return true; }
  std::uint64_t peak() const { return static_cast<std::uint64_t>(peak_); }

 private:
  std::int64_t now_ = 0, peak_ = 0;
};

}  // namespace

std::uint64_t free_memory_bytes() { return std::min({field_bytes("/proc/meminfo", "MemAvailable:"), group_free_bytes(), own_free_bytes()}); }

std::uint64_t peak_tensor_bytes(const std::function<void()>& work) {
  const auto meter = std::make_shared<Meter>();
  const c10::DebugInfoGuard guard(c10::DebugInfoKind::PROFILER_STATE, meter);
  work();
  return meter->peak();
}

bool is_out_of_memory(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::bad_alloc&) {
    return true;
  } catch (const c10::OutOfMemoryError&) {
    return true;
  } catch (const c10::Error& known) {
    return std::string(known.what_without_backtrace()).find("allocate memory") != std::string::npos;
  } catch (...) {
    return false;
  }
}

}  // namespace mendel::model
