// Written beside, synced, renamed, and the folder synced: a reader sees the old file or the new one.
#include "storage/durable_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

namespace mendel::storage {
namespace {

Error failure(const std::filesystem::path& path) { return {ErrorCode::io_error, path.string() + ": " + std::strerror(errno)}; }

Outcome write_and_sync(int descriptor, const std::filesystem::path& path, std::string_view content) {
  while (!content.empty()) {
    const auto n = write(descriptor, content.data(), content.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failure(path);
    content.remove_prefix(static_cast<std::size_t>(n));
  }
  if (fsync(descriptor) != 0) return failure(path);
  return Done{};
}

}  // namespace

Outcome sync_path(const std::filesystem::path& path) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return failure(path);
  Outcome synced = Done{};
  if (fsync(descriptor) != 0) synced = failure(path);
  close(descriptor);
  return synced;
}

Outcome write_durably(const std::filesystem::path& file, std::string_view content) {
  const std::filesystem::path beside = file.string() + ".partial";
  const int descriptor = open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (descriptor < 0) return failure(beside);
  auto written = write_and_sync(descriptor, beside, content);
  close(descriptor);
  if (written && std::rename(beside.c_str(), file.c_str()) != 0) written = failure(file);
  if (!written) {
    unlink(beside.c_str());
    return written;
  }
  return sync_path(file.parent_path().empty() ? "." : file.parent_path());
}

}  // namespace mendel::storage
