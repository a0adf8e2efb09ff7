// Files that people name on the command line.
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "actors/cli/context.hpp"

namespace mendel::cli {
namespace {

namespace fs = std::filesystem;

// The first part of a path is its package or module, as it is imported: "json/decoder.py" → "json".
std::string root_of(const std::string& relative) {
  const auto slash = relative.find('/');
  if (slash != std::string::npos) return relative.substr(0, slash);
  return relative.ends_with(".py") ? relative.substr(0, relative.size() - 3) : relative;
}

Outcome add_folder(const fs::path& folder, std::vector<NamedFile>& out) {
  std::error_code error;
  fs::recursive_directory_iterator at(folder, fs::directory_options::skip_permission_denied, error), end;
  if (error) return Error{ErrorCode::io_error, folder.string() + ": " + error.message()};
  std::vector<NamedFile> found;
  for (; at != end; at.increment(error)) {
    if (error) return Error{ErrorCode::io_error, folder.string() + ": " + error.message()};
    if (at->is_symlink(error)) continue;
    if (!at->is_regular_file(error) || at->path().extension() != ".py") continue;
    const auto relative = at->path().lexically_relative(folder).generic_string();
    found.push_back({at->path().string(), relative, root_of(relative)});
  }
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.relative < b.relative; });
  out.insert(out.end(), std::make_move_iterator(found.begin()), std::make_move_iterator(found.end()));
  return Done{};
}

struct CloseFile {
  void operator()(std::FILE* file) const {
    if (file != nullptr && file != stdin) std::fclose(file);
  }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

Result<File> open_file(const std::string& path) {
  if (path == "-") return File(stdin);
  struct stat info {};
  if (stat(path.c_str(), &info) != 0)
    return Error{errno == ENOENT ? ErrorCode::not_found : ErrorCode::io_error, path + ": " + std::strerror(errno)};
  if (S_ISDIR(info.st_mode)) return Error{ErrorCode::invalid_input, path + ": is a directory, a file was expected"};
  File file(std::fopen(path.c_str(), "rb"));
  if (!file) return Error{ErrorCode::io_error, path + ": " + std::strerror(errno)};
  return file;
}

}  // namespace

Result<std::vector<NamedFile>> python_files(const std::vector<std::string>& paths) {
  std::vector<NamedFile> out;
  for (const auto& path : paths) {
    std::error_code error;
    if (path == "-") {
      out.push_back({"-", "stdin.py", "stdin"});
    } else if (fs::is_directory(path, error)) {
      if (auto added = add_folder(path, out); !added) return added.error();
    } else if (fs::exists(fs::symlink_status(path, error))) {
      const auto name = fs::path(path).filename().string();
      out.push_back({path, name, root_of(name)});
    } else {
      return Error{ErrorCode::not_found, path + ": no such file or folder"};
    }
  }
  return out;
}

Result<std::string> read_file(const std::string& path, std::uint64_t bytes_max) {
  auto file = open_file(path);
  if (!file) return file.error();
  std::setvbuf(file->get(), nullptr, _IONBF, 0);  // pieces are large enough; a buffer would copy each once more
  std::string out;
  if (struct stat info {}; fstat(fileno(file->get()), &info) == 0 && S_ISREG(info.st_mode))
    out.reserve(static_cast<std::size_t>(std::min<std::uint64_t>(static_cast<std::uint64_t>(info.st_size), bytes_max)));
  char buffer[1 << 16];
  for (;;) {
    const auto n = std::fread(buffer, 1, sizeof buffer, file->get());
    out.append(buffer, n);
    if (out.size() > bytes_max)
      return Error{ErrorCode::too_large, path + ": larger than " + std::to_string(bytes_max) + " bytes"};
    if (n < sizeof buffer) break;
  }
  if (std::ferror(file->get())) return Error{ErrorCode::io_error, path + ": " + std::strerror(errno)};
  return out;
}

Outcome each_line(const std::string& path, const std::function<Outcome(std::string_view, std::uint64_t)>& line) {
  auto file = open_file(path);
  if (!file) return file.error();
  char* buffer = nullptr;
  std::size_t capacity = 0;
  std::uint64_t number = 0;
  Outcome outcome = Done{};
  for (ssize_t n; (n = getline(&buffer, &capacity, file->get())) >= 0;) {
    std::string_view text(buffer, static_cast<std::size_t>(n));
    if (text.ends_with('\n')) text.remove_suffix(1);
    outcome = line(text, ++number);
    if (!outcome) break;
  }
  std::free(buffer);
  if (outcome && std::ferror(file->get())) return Error{ErrorCode::io_error, path + ": " + std::strerror(errno)};
  return outcome;
}

}  // namespace mendel::cli
