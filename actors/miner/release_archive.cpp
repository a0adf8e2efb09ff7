// libarchive decompresses as it is read. Sizes are checked as told before and as met while unpacking.
#include "actors/miner/release_archive.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>

#include <algorithm>
#include <memory>
#include <string_view>

#include "actors/miner/license_guess.hpp"
#include "actors/miner/production_path.hpp"

namespace mendel::miner {
namespace {

struct CloseArchive {
  void operator()(archive* a) const { archive_read_free(a); }
};
using Archive = std::unique_ptr<archive, CloseArchive>;

constexpr std::uint64_t kTextBytesMax = 1u << 20;  // of changelogs, licences and metadata
constexpr std::size_t kChunkBytes = 1u << 16;
constexpr std::string_view kChangelogNames[] = {"changes", "changelog", "history", "news", "releases", "release_notes", "whatsnew"};

bool climbs(std::string_view path) {
  if (path.empty() || path.starts_with('/') || path.find('\\') != std::string_view::npos || path.find('\0') != std::string_view::npos) return true;
  while (!path.empty()) {
    const auto slash = std::min(path.find('/'), path.size());
    if (path.substr(0, slash) == "..") return true;
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  return false;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::string_view file_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

bool is_changelog(std::string_view path) {
  const auto name = lower(file_name(path));
  const auto stem = std::string_view(name).substr(0, name.find('.'));
  if (name.ends_with(".py")) return false;
  return std::find(std::begin(kChangelogNames), std::end(kChangelogNames), stem) != std::end(kChangelogNames);
}

bool is_metadata(std::string_view path) {
  const auto name = file_name(path);
  return name == "PKG-INFO" || (name == "METADATA" && path.find(".dist-info/") != std::string_view::npos);
}

// The value of the first header line `name: value`.
std::string header(std::string_view metadata, std::string_view name) {
  while (!metadata.empty()) {
    const auto line = metadata.substr(0, metadata.find('\n'));
    if (line.empty() || line == "\r") return {};
    if (line.starts_with(name)) {
      auto value = line.substr(name.size());
      while (value.ends_with('\r') || value.ends_with(' ')) value.remove_suffix(1);
      return std::string(value);
    }
    metadata.remove_prefix(std::min(line.size() + 1, metadata.size()));
  }
  return {};
}

class Reader {
 public:
  Reader(std::string file, const ArchiveLimits& limits) : file_(std::move(file)), limits_(limits), wheel_(file_.ends_with(".whl")) {}

  Result<ReleaseTree> read() {
    struct stat info {};
    if (stat(file_.c_str(), &info) != 0) return Error{ErrorCode::not_found, file_ + ": no such release archive"};
    if (static_cast<std::uint64_t>(info.st_size) > limits_.bytes_max) return over("the archive");
    archive_.reset(archive_read_new());
    archive_read_support_format_tar(archive_.get());
    archive_read_support_format_zip(archive_.get());
    for (const auto support : {archive_read_support_filter_gzip, archive_read_support_filter_bzip2, archive_read_support_filter_xz}) support(archive_.get());
    if (archive_read_open_filename(archive_.get(), file_.c_str(), kChunkBytes) != ARCHIVE_OK) return broken();
    for (std::uint32_t entries = 0;; ++entries) {
      archive_entry* entry = nullptr;
      const int status = archive_read_next_header(archive_.get(), &entry);
      if (status == ARCHIVE_EOF) break;
      if (status != ARCHIVE_OK && status != ARCHIVE_WARN) return broken();
      if (entries == limits_.entries_max) return Error{ErrorCode::too_large, file_ + ": more than " + std::to_string(limits_.entries_max) + " entries"};
      if (auto taken = take(entry); !taken) return taken.error();
    }
    finish();
    return std::move(tree_);
  }

 private:
  Error over(const char* what) const {
    return Error{ErrorCode::too_large, file_ + ": " + what + " is larger than mine.archive_mib_max = " + std::to_string(limits_.bytes_max >> 20) + " MiB"};
  }
  Error broken() const {
    const char* said = archive_error_string(archive_.get());
    return Error{ErrorCode::corrupt, file_ + ": " + (said == nullptr ? "cannot be read" : said)};
  }

  Outcome take(archive_entry* entry) {
    const char* named = archive_entry_pathname(entry);
    std::string path = named == nullptr ? "" : named;
    while (path.starts_with("./")) path.erase(0, 2);
    if (archive_entry_filetype(entry) == AE_IFDIR) return Done{};
    if (climbs(path)) return leave_out("bad_path");
    if (archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry) != nullptr) return leave_out("not_a_file");
    const auto told = archive_entry_size_is_set(entry) ? static_cast<std::uint64_t>(archive_entry_size(entry)) : 0;
    if (told > limits_.bytes_max || unpacked_ + told > limits_.bytes_max) return over("what it unpacks to");
    const bool metadata = is_metadata(path), license = is_license_name(file_name(path)), changelog = is_changelog(path);
    const auto place = place_of(path);
    const bool python = is_python(place) && not_production(place) == nullptr;
    if (!python && !metadata && !license && !changelog) {
      unpacked_ += told;
      return Done{};
    }
    const auto most = python ? limits_.file_bytes_max : kTextBytesMax;
    if (told > most) return leave_out("too_large");
    auto text = content(most);
    if (!text) return text.error();
    if (python) tree_.python.insert_or_assign(place, *std::move(text));
    else if (metadata) keep_shortest(metadata_path_, path, metadata_, *std::move(text));
    else if (license) keep_shortest(license_path_, path, license_, *std::move(text));
    else keep_shortest(changelog_path_, path, tree_.changelog, *std::move(text));
    return Done{};
  }

  Outcome leave_out(const char* reason) {
    ++tree_.left_out[reason];
    return Done{};
  }

  Result<std::string> content(std::uint64_t most) {
    std::string out;
    char chunk[kChunkBytes];
    for (;;) {
      const auto n = archive_read_data(archive_.get(), chunk, sizeof chunk);
      if (n < 0) return broken();
      if (n == 0) return out;
      unpacked_ += static_cast<std::uint64_t>(n);
      out.append(chunk, static_cast<std::size_t>(n));
      if (unpacked_ > limits_.bytes_max) return over("what it unpacks to");
      if (out.size() > most) return Error{ErrorCode::corrupt, file_ + ": an entry is larger than it says"};
    }
  }

  // Below the package root: without the folder that wraps a source archive, and without src/.
  std::string place_of(std::string_view path) const {
    if (wheel_) return path.find(".data/") == std::string_view::npos && path.find(".dist-info/") == std::string_view::npos ? std::string(path) : std::string();
    const auto slash = path.find('/');
    if (slash == std::string_view::npos) return std::string(path);
    path.remove_prefix(slash + 1);
    for (const std::string_view wrapper : {"src/", "lib/"})
      if (path.starts_with(wrapper)) path.remove_prefix(wrapper.size());
    return std::string(path);
  }

  // Of several of a kind the one nearest to the root, then the first by name.
  static void keep_shortest(std::string& kept_path, const std::string& path, std::string& kept, std::string text) {
    const auto depth = [](const std::string& p) { return std::count(p.begin(), p.end(), '/'); };
    if (!kept_path.empty() && std::pair(depth(kept_path), kept_path) < std::pair(depth(path), path)) return;
    kept_path = path;
    kept = std::move(text);
  }

  void finish() {
    tree_.license = header(metadata_, "License-Expression: ");
    if (tree_.license.empty()) tree_.license = guess_license(license_);
    for (const char* name : {"Project-URL: Source, ", "Project-URL: Source Code, ", "Project-URL: Repository, ", "Home-page: "})
      if (tree_.url.empty()) tree_.url = header(metadata_, name);
  }

  std::string file_;
  ArchiveLimits limits_;
  bool wheel_;
  Archive archive_;
  ReleaseTree tree_;
  std::uint64_t unpacked_ = 0;
  std::string metadata_, metadata_path_, license_, license_path_, changelog_path_;
};

}  // namespace

Result<ReleaseTree> read_release(const std::string& file, const ArchiveLimits& limits) { return Reader(file, limits).read(); }

}  // namespace mendel::miner
