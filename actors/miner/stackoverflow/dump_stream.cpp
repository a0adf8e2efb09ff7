// libarchive does the unpacking; plain XML goes through its "raw" format unchanged.
#include "actors/miner/stackoverflow/dump_stream.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace mendel::miner {
namespace {

constexpr std::size_t kReadBytes = 256u << 10;
constexpr std::uint64_t kFreeBytes = 64u << 20;  // whatever their ratio
constexpr std::uint32_t kEntriesMax = 1000;
constexpr std::string_view kWanted = "Posts.xml";

struct Closer {
  void operator()(archive* a) const { archive_read_free(a); }
};

// What a member of the archive is to us.
enum class Member { wanted, other, hostile };

std::string_view file_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

bool leaves_archive(std::string_view path) {
  if (path.starts_with('/') || path.starts_with('\\') || (path.size() > 1 && path[1] == ':')) return true;
  while (!path.empty()) {
    const auto end = path.find_first_of("/\\");
    if (path.substr(0, end) == "..") return true;
    path.remove_prefix(end == std::string_view::npos ? path.size() : end + 1);
  }
  return false;
}

Member judge(archive_entry* entry, std::string_view path) {
  if (leaves_archive(path)) return Member::hostile;
  const bool link = archive_entry_filetype(entry) == AE_IFLNK || archive_entry_hardlink(entry) != nullptr;
  if (link) return Member::hostile;
  return archive_entry_filetype(entry) == AE_IFREG && file_name(path) == kWanted ? Member::wanted : Member::other;
}

class ArchiveStream final : public DumpStream {
 public:
  ArchiveStream(std::string name, int descriptor, const Stackoverflow& limits)
      : name_(std::move(name)), descriptor_(descriptor), bytes_max_(std::uint64_t{limits.dump_gib_max()} << 30), ratio_max_(limits.ratio_max()) {
    struct stat info {};
    if (::fstat(descriptor_, &info) == 0 && S_ISREG(info.st_mode)) total_ = static_cast<std::uint64_t>(info.st_size);
  }
  ~ArchiveStream() override {
    archive_.reset();
    if (descriptor_ > STDIN_FILENO) ::close(descriptor_);
  }

  Outcome start() {
    struct stat info {};
    if (::fstat(descriptor_, &info) == 0 && S_ISDIR(info.st_mode))
      return Error{ErrorCode::invalid_input, name_ + ": is a folder; name its Posts.xml"};
    if (auto opened = open(); !opened) return opened;
    auto found = next_posts();
    if (!found) return found.error();
    if (!*found) return Error{ErrorCode::invalid_input, entries_ == 0 ? name_ + ": is empty" : name_ + ": holds no Posts.xml"};
    return Done{};
  }

  Result<std::string_view> next() override {
    const void* data = nullptr;
    std::size_t size = 0;
    la_int64_t offset = 0;
    for (;;) {
      const int status = archive_read_data_block(archive_.get(), &data, &size, &offset);
      if (status == ARCHIVE_EOF) return at_end();
      if (status != ARCHIVE_OK) return broken().error();
      if (size > 0) break;
    }
    unpacked_ += size;
    if (auto bounded = check_size(unpacked_); !bounded) return bounded.error();
    return std::string_view(static_cast<const char*>(data), size);
  }

  std::uint64_t packed() const override { return static_cast<std::uint64_t>(std::max<la_int64_t>(0, archive_filter_bytes(archive_.get(), -1))); }
  std::uint64_t packed_total() const override { return total_; }
  std::uint64_t unpacked() const override { return unpacked_; }

 private:
  bool is_raw() const { return (archive_format(archive_.get()) & ARCHIVE_FORMAT_BASE_MASK) == ARCHIVE_FORMAT_RAW; }

  Outcome broken() const {
    const char* said = archive_error_string(archive_.get());
    std::string what = name_ + ": " + (said != nullptr ? said : "cannot be unpacked");
    const bool needs_search = total_ == 0 && (archive_format(archive_.get()) == ARCHIVE_FORMAT_7ZIP || archive_format(archive_.get()) == 0);
    if (needs_search) what += "; a .7z cannot be read from a pipe: name the file, or unpack it into the pipe";
    return Error{ErrorCode::corrupt, what};
  }

  Outcome open() {
    archive_.reset(archive_read_new());
    auto* a = archive_.get();
    archive_read_support_filter_gzip(a);
    archive_read_support_filter_bzip2(a);
    archive_read_support_filter_xz(a);
    archive_read_support_filter_zstd(a);
    archive_read_support_format_7zip(a);
    archive_read_support_format_zip(a);
    archive_read_support_format_raw(a);
    archive_read_support_format_empty(a);
    if (archive_read_open_fd(a, descriptor_, kReadBytes) != ARCHIVE_OK) return broken();
    return Done{};
  }

  // Goes on to the next Posts.xml; false if there is none. Every entry on the way is judged.
  Result<bool> next_posts() {
    for (;;) {
      archive_entry* entry = nullptr;
      const int status = archive_read_next_header(archive_.get(), &entry);
      if (status == ARCHIVE_EOF) return false;
      if (status != ARCHIVE_OK && status != ARCHIVE_WARN) return broken().error();
      if (is_raw()) return true;
      if (++entries_ > kEntriesMax) return Error{ErrorCode::too_large, name_ + ": holds more than " + std::to_string(kEntriesMax) + " files: no dump does"};
      const char* stored = archive_entry_pathname(entry);
      const std::string path = stored != nullptr ? stored : "";
      const auto member = judge(entry, path);
      if (member == Member::hostile)
        return Error{ErrorCode::invalid_input, name_ + ": refused: its entry \"" + path + "\" is a link or leaves the archive"};
      // What lies in front in the same block must be unpacked to be passed over.
      declared_ += archive_entry_size_is_set(entry) ? static_cast<std::uint64_t>(archive_entry_size(entry)) : 0;
      if (auto bounded = check_size(declared_); !bounded) return bounded.error();
      if (member == Member::wanted) return true;
    }
  }

  Result<std::string_view> at_end() {
    if (is_raw()) return std::string_view();
    const auto another = next_posts();
    if (!another) return another.error();
    if (*another) return Error{ErrorCode::invalid_input, name_ + ": holds two Posts.xml; one dump at a time"};
    return std::string_view();
  }

  Outcome check_size(std::uint64_t bytes) const {
    if (bytes > bytes_max_)
      return Error{ErrorCode::too_large, name_ + ": unpacks to more than " + std::to_string(bytes_max_ >> 30) + " GiB (stackoverflow.dump_gib_max)"};
    const auto packed_bytes = total_ != 0 ? total_ : packed();
    if (bytes > kFreeBytes && bytes / ratio_max_ > packed_bytes)
      return Error{ErrorCode::too_large, name_ + ": unpacks to more than " + std::to_string(ratio_max_) +
                                             " times its size: refused as a bomb (stackoverflow.ratio_max)"};
    return Done{};
  }

  std::string name_;
  int descriptor_;
  std::uint64_t bytes_max_, ratio_max_;
  std::uint64_t total_ = 0, unpacked_ = 0, declared_ = 0;
  std::uint32_t entries_ = 0;
  std::unique_ptr<archive, Closer> archive_;
};

}  // namespace

Result<std::unique_ptr<DumpStream>> DumpStream::open(const std::string& path, const Stackoverflow& limits) {
  const bool standard = path == "-";
  const int descriptor = standard ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return Error{errno == ENOENT ? ErrorCode::not_found : ErrorCode::io_error, path + ": " + std::strerror(errno)};
  auto stream = std::make_unique<ArchiveStream>(standard ? "stdin" : path, descriptor, limits);
  if (auto started = stream->start(); !started) return started.error();
  return std::unique_ptr<DumpStream>(std::move(stream));
}

std::string site_of(std::string_view path) {
  static constexpr std::string_view kEndings[] = {".stackexchange.com", "stackoverflow.com", "serverfault.com", "superuser.com", "askubuntu.com",
                                                  "stackapps.com", "mathoverflow.net"};
  while (!path.empty()) {
    const auto slash = path.find('/');
    std::string_view part = path.substr(0, slash);
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
    for (const auto ending : kEndings) {
      const auto at = part.find(ending);
      if (at == std::string_view::npos) continue;
      const auto host = part.substr(0, at + ending.size());
      const bool clean = std::all_of(host.begin(), host.end(), [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-'; });
      if (clean && host.front() != '.' && (at == 0 || host[at] == '.' || host[at - 1] == '.')) return std::string(host);
    }
  }
  return "stackoverflow.com";
}

}  // namespace mendel::miner
