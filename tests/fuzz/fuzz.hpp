// What every fuzz target uses: the input as text, a claim that must hold, and a folder for parsers of files.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace mendel::fuzz {

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) { return {reinterpret_cast<const char*>(data), size}; }

// A broken claim is a finding, as a crash is.
inline void claim(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "claim does not hold: %s\n", what);
  std::abort();
}

// One a process, gone at its end.
class Scratch {
 public:
  Scratch() : path_(std::filesystem::temp_directory_path() / ("mendel-fuzz-" + std::to_string(::getpid()))) { std::filesystem::create_directories(path_); }
  ~Scratch() {
    std::error_code error;
    std::filesystem::remove_all(path_, error);
  }
  const std::filesystem::path& folder() const { return path_; }
  std::filesystem::path write(const std::string& name, std::string_view bytes) const {
    std::ofstream(path_ / name, std::ios::binary | std::ios::trunc) << bytes;
    return path_ / name;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace mendel::fuzz
