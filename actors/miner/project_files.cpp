// A module is NAME.py or NAME/__init__.py; a folder without the latter may hold modules too.
#include "actors/miner/project_files.hpp"

#include <algorithm>

namespace mendel::miner {
namespace {

constexpr const char* kInit = "__init__.py";

// With its '/', empty for the root.
std::string folder_of(std::string_view path) { return std::string(path.substr(0, path.rfind('/') + 1)); }

std::string parent_of(std::string_view folder) { return folder.empty() ? std::string() : folder_of(folder.substr(0, folder.size() - 1)); }

}  // namespace

std::string ProjectFiles::root_of(const std::string& path) const {
  auto folder = folder_of(path);
  while (!folder.empty() && read_(folder + kInit)) folder = parent_of(folder);
  return folder;
}

void ProjectFiles::start(const std::string& path) {
  carried_otherwise_.emplace(path, true);
  const auto root = root_of(path);
  if (std::find(roots_.begin(), roots_.end(), root) == roots_.end()) roots_.push_back(root);
  add_packages_of(path);
}

// Whether there is such a file.
bool ProjectFiles::add(const std::string& path) {
  if (carried_otherwise_.contains(path) || files_.contains(path)) return true;
  auto file = read_(path);
  if (!file) return false;
  bytes_ += file->text.size();
  files_.emplace(path, std::move(file));
  fresh_.push_back(path);
  return true;
}

void ProjectFiles::add_packages_of(const std::string& path) {
  for (auto folder = folder_of(path); !folder.empty() && add(folder + kInit);) folder = parent_of(folder);
}

void ProjectFiles::follow(const std::string& path, const std::vector<Import>& imports) {
  for (const auto& import : imports) take(path, import);
  while (!fresh_.empty() && !too_large()) {
    const auto next = std::move(fresh_.back());
    fresh_.pop_back();
    const auto file = files_.at(next);
    for (const auto& import : file->imports) take(next, import);
  }
}

void ProjectFiles::follow_conftest(const std::string& path) {
  for (auto folder = folder_of(path);; folder = parent_of(folder)) {
    if (add(folder + "conftest.py")) add_packages_of(folder + "conftest.py");
    if (folder.empty()) break;
  }
  follow(path, {});
}

void ProjectFiles::take(const std::string& path, const Import& import) {
  if (too_large()) return;
  if (import.dots > 0) {
    auto folder = folder_of(path);
    for (std::uint32_t i = 1; i < import.dots; ++i) folder = parent_of(folder);
    walk(std::move(folder), import.module, import.names);
    return;
  }
  for (const auto& root : roots_)
    if (walk(root, import.module, import.names)) return;
  if (std::find(roots_.begin(), roots_.end(), "") == roots_.end()) walk("", import.module, import.names);
}

// Adds the modules that `module` names one below the other, as far as there are such; what is left are attributes. Whether there was any.
bool ProjectFiles::walk(std::string folder, std::string_view module, const std::vector<std::string>& names) {
  bool found = false;
  while (!module.empty()) {
    const auto dot = module.find('.');
    const std::string name(module.substr(0, dot));
    module = dot == std::string_view::npos ? std::string_view() : module.substr(dot + 1);
    if (add(folder + name + "/" + kInit)) {
      found = true;
    } else if (add(folder + name + ".py")) {
      return true;
    }
    folder += name + "/";
  }
  for (const auto& name : names) found = add(folder + name + "/" + kInit) || add(folder + name + ".py") || found;
  return found;
}

}  // namespace mendel::miner
