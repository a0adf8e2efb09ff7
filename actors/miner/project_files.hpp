// Everything in a project that a file imports, over as many files as it takes.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "actors/miner/imports.hpp"

namespace mendel::miner {

// A file as it is carried: without its prose (imports.hpp).
struct CarriedFile {
  std::string text;
  std::vector<Import> imports;
};

// A file of the project at one commit; null where there is none. Paths are relative to its root, '/' separated.
using ReadFile = std::function<std::shared_ptr<const CarriedFile>(const std::string& path)>;

// Absolute imports are looked for from the folder that holds the outermost package of each file named by `start`, in that
// order, and from the project's root; what is in none of them is of another package and passed over.
class ProjectFiles {
 public:
  ProjectFiles(const ReadFile& read, std::size_t bytes_max) : read_(read), bytes_max_(bytes_max) {}

  // A file that is carried otherwise: only found, never added.
  void start(const std::string& path);
  // Adds what a file imports, what that imports, and so on, each with the `__init__.py` of its folders. Stops where it grows too large.
  void follow(const std::string& path, const std::vector<Import>& imports);
  // Adds the conftest.py beside `path` and in every folder above.
  void follow_conftest(const std::string& path);

  const std::map<std::string, std::shared_ptr<const CarriedFile>>& files() const { return files_; }
  std::size_t bytes() const { return bytes_; }
  bool too_large() const { return bytes_ > bytes_max_; }

 private:
  bool add(const std::string& path);
  void add_packages_of(const std::string& path);
  std::string root_of(const std::string& path) const;
  void take(const std::string& path, const Import& import);
  bool walk(std::string folder, std::string_view module, const std::vector<std::string>& names);

  const ReadFile& read_;
  std::size_t bytes_max_, bytes_ = 0;
  std::vector<std::string> roots_;
  std::map<std::string, std::shared_ptr<const CarriedFile>> files_;
  std::vector<std::string> fresh_;  // of files_: not yet followed
  std::map<std::string, bool> carried_otherwise_;
};

}  // namespace mendel::miner
