// Linux's files about memory, and the allocator's own reports.
#include "memory.hpp"

#include <ATen/ATen.h>
#include <ATen/DeviceAccelerator.h>
#include <c10/core/Allocator.h>
#include <c10/util/Exception.h>
#include <c10/util/ThreadLocalDebugInfo.h>
#include <sys/resource.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <mutex>
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

std::uint64_t device_free_bytes(at::Device device) {
  auto& allocator = *at::getDeviceAllocator(device.type());
  constexpr auto kAll = static_cast<std::size_t>(c10::CachingAllocator::StatType::AGGREGATE);
  const auto stats = allocator.getDeviceStats(device.index());
  const auto kept = stats.reserved_bytes[kAll].current - stats.allocated_bytes[kAll].current;
  return allocator.getMemoryInfo(device.index()).first + static_cast<std::uint64_t>(std::max<std::int64_t>(0, kept));
}

// Backward passes of a device run on a thread of autograd's that carries the debug information of its caller.
class Meter : public c10::MemoryReportingInfoBase {
 public:
  explicit Meter(at::Device device) : device_(device) {}

  void reportMemoryUsage(void*, std::int64_t bytes, std::size_t, std::size_t, c10::Device device) override {
    if (device.type() != device_.type()) return;
    const std::lock_guard lock(mutex_);
    now_ += bytes;
    peak_ = std::max(peak_, now_);
  }
  bool memoryProfilingEnabled() const override { return true; }
  std::uint64_t peak() const { return static_cast<std::uint64_t>(peak_); }

 private:
  at::Device device_;
  std::mutex mutex_;
  std::int64_t now_ = 0, peak_ = 0;
};

}  // namespace

std::uint64_t free_memory_bytes(at::Device device) {
  if (!device.is_cpu()) return device_free_bytes(device);
  return std::min({field_bytes("/proc/meminfo", "MemAvailable:"), group_free_bytes(), own_free_bytes()});
}

std::uint64_t peak_tensor_bytes(const std::function<void()>& work, at::Device device) {
  const auto meter = std::make_shared<Meter>(device);
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
