// The load of this machine as its kernel and its GPU driver tell it: for metrics and `mendel report`.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace mendel::runtime {

struct HostFolders {
  std::filesystem::path proc = "/proc", sys = "/sys";
  std::filesystem::path data;  // whose disk is measured; empty: none
};

struct GpuSample {
  std::string name;  // "gpu0"
  double busy = 0;  // 0..1, over the driver's own short window
  std::uint64_t memory_used = 0, memory_total = 0;  // bytes
};

// Zero where this machine does not tell. Counters since its start.
struct HostSample {
  double cpu_busy_s = 0, cpu_idle_s = 0;  // summed over cores
  std::uint32_t cores = 0;
  std::uint64_t memory_total = 0, memory_available = 0;  // bytes
  std::uint64_t disk_read = 0, disk_written = 0;  // bytes of whole disks
  std::uint64_t data_total = 0, data_free = 0;  // bytes of the disk with the data folder
  double own_cpu_s = 0, own_started_s = 0;  // this process; the latter in seconds since 1970
  std::uint64_t own_resident = 0, own_files = 0;  // bytes; open descriptors
  std::vector<GpuSample> gpus;  // AMD by sysfs, NVIDIA by its driver's library if that is there
};

// Blocks for a few small reads. Thread-safe.
HostSample sample_host(const HostFolders& folders);

}  // namespace mendel::runtime
