// TensorBoard's event files: scalars, histograms, pictures and texts by tag and step.
//
// Format: records of length (8 bytes little-endian), its masked CRC-32C, the data, their masked CRC-32C; the
// data are protobuf messages `Event` (wall_time 1, step 2, file_version 3, summary 5, session_log 7), which
// are written by hand here: a few fields of a schema that does not change.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "proto/result.hpp"

namespace mendel::trainer {

struct Scalar {
  std::string_view tag;
  double value;
};

struct Histogram {
  std::string_view tag;
  std::span<const double> values;  // those that are no numbers are left out
};

struct Picture {
  std::string_view tag;
  std::uint32_t width, height;  // pixels
  std::string png;
};

struct Text {
  std::string_view tag;
  std::string markdown;
};

// One file a run of the program. The first record says that steps begin anew from `step`: TensorBoard then
// drops what an earlier file of the folder says of later steps, as a resume after a kill needs.
class EventWriter {
 public:
  static Result<EventWriter> open(const std::filesystem::path& folder, std::uint64_t step, double wall_time_s);

  // Scalars that are no numbers are left out. io_error where the disk is full.
  Outcome write(std::uint64_t step, double wall_time_s, const std::vector<Scalar>& scalars);
  // Thirty buckets of equal width between the least and the greatest value.
  Outcome write(std::uint64_t step, double wall_time_s, const std::vector<Histogram>& histograms);
  Outcome write(std::uint64_t step, double wall_time_s, const std::vector<Picture>& pictures);
  Outcome write(std::uint64_t step, double wall_time_s, const std::vector<Text>& texts);
  const std::filesystem::path& path() const { return path_; }

 private:
  Outcome put_summary(std::uint64_t step, double wall_time_s, const std::string& summary);

  std::filesystem::path path_;
  std::ofstream file_;
};

// CRC-32C (Castagnoli), and as the format stores it.
std::uint32_t crc32c(std::string_view bytes);
std::uint32_t masked_crc32c(std::string_view bytes);

}  // namespace mendel::trainer
