// Which Python files the configuration names, and whose they are.
#include <algorithm>
#include <cstring>
#include <fstream>
#include <map>
#include <set>

#include "actors/runtime/planning.hpp"
#include "proto/ids.hpp"

namespace mendel::runtime {
namespace {

namespace fs = std::filesystem;

Rejection rejection(const std::string& subject, const char* reason, std::string detail = {}) {
  Rejection out;
  out.set_subject(subject);
  out.set_reason(reason);
  out.set_detail(std::move(detail));
  return out;
}

// "json/decoder.py" → "json"; a folder of installed packages inside counts as a root of its own.
std::string top_level(std::string path) {
  for (const char* inner : {"site-packages/", "dist-packages/"})
    if (const auto at = path.find(inner); at != std::string::npos) path = path.substr(at + std::strlen(inner));
  const auto slash = path.find('/');
  if (slash != std::string::npos) return path.substr(0, slash);
  return path.ends_with(".py") ? path.substr(0, path.size() - 3) : path;
}

std::string license_of_metadata(const fs::path& metadata) {
  std::ifstream file(metadata);
  std::string line, plain;
  for (int i = 0; i < 200 && std::getline(file, line) && !line.empty(); ++i) {
    if (line.starts_with("License-Expression: ")) return line.substr(20);
    if (line.starts_with("License: ") && line.size() < 60) plain = line.substr(9);
  }
  return plain;
}

// Top-level names → licence, from the *.dist-info beside the packages; CPython's own library is known
// by its modules.
std::map<std::string, std::string> licenses_in(const fs::path& folder) {
  std::map<std::string, std::string> out;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    if (at->path().extension() != ".dist-info") continue;
    const auto license = license_of_metadata(at->path() / "METADATA");
    if (license.empty()) continue;
    const auto name = at->path().stem().string();
    auto distribution = name.substr(0, name.find('-'));
    std::transform(distribution.begin(), distribution.end(), distribution.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    out.emplace(distribution, license);
    std::ifstream names(at->path() / "top_level.txt");
    for (std::string line; std::getline(names, line);)
      if (!line.empty()) out[line] = license;
  }
  if (fs::exists(folder / "_collections_abc.py", error) && fs::exists(folder / "os.py", error)) out.emplace("", "PSF-2.0");
  return out;
}

class Walk {
 public:
  Walk(const Config& config, const std::function<void(Rejection)>& rejected) : config_(config), rejected_(rejected) {}

  Outcome source(const std::string& given) {
    std::error_code error;
    const auto status = fs::symlink_status(given, error);
    if (fs::is_directory(given, error)) return folder(given);
    if (status.type() == fs::file_type::not_found || status.type() == fs::file_type::none)
      return Error{ErrorCode::not_found, "sources.python: " + given + ": no such file or folder"};
    licenses_.clear();
    const auto name = fs::path(given).filename().string();
    take(given, name, fs::is_symlink(status) && !fs::exists(given, error) ? "dangling_link" : nullptr);
    return Done{};
  }

  std::vector<FoundFile> found;

 private:
  Outcome folder(const fs::path& root) {
    licenses_ = licenses_in(root);
    std::error_code error;
    fs::recursive_directory_iterator at(root, fs::directory_options::skip_permission_denied, error), end;
    if (error) return Error{ErrorCode::io_error, "sources.python: " + root.string() + ": " + error.message()};
    for (; at != end; at.increment(error)) {
      if (error) return Error{ErrorCode::io_error, "sources.python: " + root.string() + ": " + error.message()};
      if (at->path().extension() != ".py") continue;
      std::error_code ignored;
      const auto relative = at->path().lexically_relative(root).generic_string();
      if (at->is_symlink(ignored)) take(at->path(), relative, fs::exists(at->path(), ignored) ? "symbolic_link" : "dangling_link");
      else if (at->is_regular_file(ignored)) take(at->path(), relative, nullptr);
      else if (!at->is_directory(ignored)) take(at->path(), relative, "not_a_file");
    }
    return Done{};
  }

  void take(const fs::path& file, const std::string& relative, const char* reason) {
    for (const auto& fragment : config_.sources().exclude())
      if (file.generic_string().find(fragment) != std::string::npos) return;
    if (reason != nullptr) return rejected_(rejection(file.string(), reason));
    std::error_code error;
    const auto size = fs::file_size(file, error);
    if (error) return rejected_(rejection(file.string(), "unreadable", error.message()));
    if (size > config_.sources().file_bytes_max())
      return rejected_(rejection(file.string(), "too_large", std::to_string(size) + " bytes, sources.file_bytes_max is " + std::to_string(config_.sources().file_bytes_max())));
    if (size == 0) return rejected_(rejection(file.string(), "empty"));
    const auto repository = top_level(relative);
    auto license = licenses_.find(repository);
    if (license == licenses_.end()) license = licenses_.find("");
    found.push_back({file, repository, relative, license == licenses_.end() ? "" : license->second});
  }

  const Config& config_;
  const std::function<void(Rejection)>& rejected_;
  std::map<std::string, std::string> licenses_;
};

}  // namespace

Result<std::vector<FoundFile>> find_python_files(const Config& config, const std::function<void(Rejection)>& rejected) {
  Walk walk(config, rejected);
  for (const auto& given : config.sources().python())
    if (auto walked = walk.source(given); !walked) return walked.error();
  std::vector<std::pair<ContentId, FoundFile>> keyed;
  for (auto& file : walk.found) keyed.emplace_back(ContentHash().add(file.repository).add(file.path).finish<>(), std::move(file));
  std::stable_sort(keyed.begin(), keyed.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  const auto most = config.sources().python_files_max();
  if (most > 0 && keyed.size() > most) keyed.resize(most);
  std::vector<FoundFile> out;
  for (auto& [key, file] : keyed) out.push_back(std::move(file));
  return out;
}

}  // namespace mendel::runtime
