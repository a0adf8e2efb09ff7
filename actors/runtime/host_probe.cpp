// /proc, /sys and NVML; formats as in the kernel's documentation (proc.txt, amdgpu, iostats).
#include "actors/runtime/host_probe.hpp"

#include <dlfcn.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <sstream>

namespace mendel::runtime {
namespace {

namespace fs = std::filesystem;
constexpr std::uint64_t kSectorBytes = 512;  // of diskstats, whatever the disk has

std::string text_of(const fs::path& path) {
  std::ifstream file(path);
  std::stringstream out;
  out << file.rdbuf();
  return out.str();
}

std::uint64_t number_of(const fs::path& path) {
  const auto text = text_of(path);
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

double ticks_per_s() { return static_cast<double>(sysconf(_SC_CLK_TCK)); }

// Answers when the machine started, seconds since 1970.
double sample_cpu(const fs::path& proc, HostSample& out) {
  std::istringstream lines(text_of(proc / "stat"));
  double started = 0;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string name;
    words >> name;
    if (name == "btime") words >> started;
    if (!name.starts_with("cpu")) continue;
    if (name != "cpu") {
      ++out.cores;
      continue;
    }
    double user = 0, nice = 0, system = 0, idle = 0, waiting = 0, irq = 0, soft = 0;
    words >> user >> nice >> system >> idle >> waiting >> irq >> soft;
    out.cpu_busy_s = (user + nice + system + irq + soft) / ticks_per_s();
    out.cpu_idle_s = (idle + waiting) / ticks_per_s();
  }
  return started;
}

void sample_memory(const fs::path& proc, HostSample& out) {
  std::istringstream lines(text_of(proc / "meminfo"));
  std::string name, unit;
  for (std::uint64_t kib = 0; lines >> name >> kib; std::getline(lines, unit)) {
    if (name == "MemTotal:") out.memory_total = kib << 10;
    if (name == "MemAvailable:") out.memory_available = kib << 10;
  }
}

// Partitions and stacked devices would count twice: only disks that have a device behind them.
void sample_disks(const HostFolders& folders, HostSample& out) {
  std::istringstream lines(text_of(folders.proc / "diskstats"));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string major, minor, name;
    std::uint64_t reads = 0, merged = 0, sectors_read = 0, ms = 0, writes = 0, sectors_written = 0;
    words >> major >> minor >> name >> reads >> merged >> sectors_read >> ms >> writes >> merged >> sectors_written;
    std::error_code error;
    if (!fs::exists(folders.sys / "block" / name / "device", error)) continue;
    out.disk_read += sectors_read * kSectorBytes;
    out.disk_written += sectors_written * kSectorBytes;
  }
}

void sample_self(double machine_started, HostSample& out) {
  constexpr int kUser = 11, kSystem = 12, kStart = 19, kResident = 21;  // fields behind the name
  const auto stat = text_of("/proc/self/stat");
  const auto name_end = stat.rfind(')');
  if (name_end == std::string::npos) return;
  std::istringstream words(stat.substr(name_end + 1));
  std::vector<std::string> fields{std::istream_iterator<std::string>(words), {}};
  if (fields.size() <= kResident) return;
  out.own_cpu_s = (std::stod(fields[kUser]) + std::stod(fields[kSystem])) / ticks_per_s();
  out.own_started_s = machine_started + std::stod(fields[kStart]) / ticks_per_s();
  out.own_resident = std::stoull(fields[kResident]) * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  std::error_code error;
  for (fs::directory_iterator at("/proc/self/fd", error), end; !error && at != end; at.increment(error)) ++out.own_files;
}

void sample_amd(const fs::path& sys, HostSample& out) {
  std::vector<fs::path> cards;
  std::error_code error;
  for (fs::directory_iterator at(sys / "class/drm", error), end; !error && at != end; at.increment(error))
    if (fs::exists(at->path() / "device/gpu_busy_percent", error)) cards.push_back(at->path() / "device");
  std::sort(cards.begin(), cards.end());
  for (const auto& card : cards)
    out.gpus.push_back({"gpu" + std::to_string(out.gpus.size()), static_cast<double>(number_of(card / "gpu_busy_percent")) / 100,
                        number_of(card / "mem_info_vram_used"), number_of(card / "mem_info_vram_total")});
}

// The few calls of NVIDIA's management library that are needed; it comes with the driver, never with us.
class Nvml {
 public:
  static const Nvml& get() {
    static const Nvml library;
    return library;
  }

  void sample(HostSample& out) const {
    unsigned count = 0;
    if (!ready_ || count_(&count) != 0) return;
    for (unsigned i = 0; i < count; ++i) {
      void* device = nullptr;
      struct { unsigned gpu, memory; } busy{};
      struct { unsigned long long total, free, used; } memory{};
      if (handle_(i, &device) != 0) continue;
      busy_(device, &busy);
      memory_(device, &memory);
      out.gpus.push_back({"gpu" + std::to_string(out.gpus.size()), busy.gpu / 100.0, memory.used, memory.total});
    }
  }

 private:
  Nvml() {
    void* library = ::dlopen("libnvidia-ml.so.1", RTLD_LAZY | RTLD_LOCAL);
    if (library == nullptr) return;
    const auto init = reinterpret_cast<int (*)()>(::dlsym(library, "nvmlInit_v2"));
    count_ = reinterpret_cast<decltype(count_)>(::dlsym(library, "nvmlDeviceGetCount_v2"));
    handle_ = reinterpret_cast<decltype(handle_)>(::dlsym(library, "nvmlDeviceGetHandleByIndex_v2"));
    busy_ = reinterpret_cast<decltype(busy_)>(::dlsym(library, "nvmlDeviceGetUtilizationRates"));
    memory_ = reinterpret_cast<decltype(memory_)>(::dlsym(library, "nvmlDeviceGetMemoryInfo"));
    ready_ = init != nullptr && count_ != nullptr && handle_ != nullptr && busy_ != nullptr && memory_ != nullptr && init() == 0;
  }

  bool ready_ = false;
  int (*count_)(unsigned*) = nullptr;
  int (*handle_)(unsigned, void**) = nullptr;
  int (*busy_)(void*, void*) = nullptr;
  int (*memory_)(void*, void*) = nullptr;
};

}  // namespace

HostSample sample_host(const HostFolders& folders) {
  HostSample out;
  const auto started = sample_cpu(folders.proc, out);
  sample_memory(folders.proc, out);
  sample_disks(folders, out);
  sample_self(started, out);
  sample_amd(folders.sys, out);
  Nvml::get().sample(out);
  std::error_code error;
  if (const auto space = fs::space(folders.data, error); !folders.data.empty() && !error) {
    out.data_total = space.capacity;
    out.data_free = space.available;
  }
  return out;
}

}  // namespace mendel::runtime
