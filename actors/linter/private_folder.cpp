// Names say whose folder it is: mendel-lint-PID-XXXXXX.
#include "actors/linter/private_folder.hpp"

#include <signal.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <string_view>

namespace mendel::linter {
namespace {

namespace fs = std::filesystem;

constexpr const char* kMemoryFolder = "/dev/shm";
constexpr std::uint64_t kRoomBytes = 64u << 20;  // stays free there, for others
constexpr std::string_view kPrefix = "mendel-lint-";
constexpr auto kStaleAfter = std::chrono::hours(2);  // other containers may share the place but not our process ids

// Memory if it has room for `bytes` and nobody asked for another place: creating hundreds of small files
// on a disk costs more than linting them.
fs::path place_for(std::uint64_t bytes) {
  std::error_code error;
  struct statvfs room {};
  if (std::getenv("TMPDIR") == nullptr && access(kMemoryFolder, W_OK | X_OK) == 0 && statvfs(kMemoryFolder, &room) == 0 &&
      room.f_bavail * room.f_frsize >= 2 * bytes + kRoomBytes)
    return kMemoryFolder;
  return fs::temp_directory_path(error);
}

bool owner_lives(const std::string& name) {
  const auto pid = std::atoi(name.c_str() + kPrefix.size());
  return pid > 0 && (kill(pid, 0) == 0 || errno == EPERM);
}

// Folders of processes that were killed.
void remove_stale(const fs::path& place) {
  std::error_code error;
  for (fs::directory_iterator at(place, error), end; !error && at != end; at.increment(error)) {
    std::error_code unknown;
    const auto name = at->path().filename().string();
    if (!name.starts_with(kPrefix) || owner_lives(name)) continue;
    const auto changed = fs::last_write_time(at->path(), unknown);
    if (!unknown && changed + kStaleAfter < fs::file_time_type::clock::now()) fs::remove_all(at->path(), unknown);
  }
}

}  // namespace

PrivateFolder::PrivateFolder(std::uint64_t bytes) {
  const auto place = place_for(bytes);
  static const bool swept = (remove_stale(place), true);
  static_cast<void>(swept);
  std::error_code error;
  auto pattern = (place / (std::string(kPrefix) + std::to_string(getpid()) + "-XXXXXX")).string();
  if (mkdtemp(pattern.data()) != nullptr) path_ = fs::canonical(pattern, error).string();
}

PrivateFolder::~PrivateFolder() {
  std::error_code error;
  if (!path_.empty()) fs::remove_all(path_, error);
}

}  // namespace mendel::linter
