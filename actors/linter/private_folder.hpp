// A folder of our own for a linter, in memory where there is room.
#pragma once

#include <cstdint>
#include <string>

namespace mendel::linter {

// Has room for `bytes` and is gone with its content at the end of the scope; what a killed process left is
// swept away by a later one.
class PrivateFolder {
 public:
  explicit PrivateFolder(std::uint64_t bytes);
  ~PrivateFolder();
  PrivateFolder(const PrivateFolder&) = delete;
  PrivateFolder& operator=(const PrivateFolder&) = delete;

  const std::string& path() const { return path_; }  // absolute; empty if none can be made

 private:
  std::string path_;
};

}  // namespace mendel::linter
