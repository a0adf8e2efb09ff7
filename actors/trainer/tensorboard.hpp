// TensorBoard's event files: scalars by tag and step.
//
// Format: records of length (8 bytes little-endian), its masked CRC-32C, the data, their masked CRC-32C; the
// data are protobuf messages `Event` (wall_time 1, step 2, file_version 3, summary 5, session_log 7), which
// are written by hand here: three fields of a schema that does not change.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "proto/result.hpp"

namespace mendel::trainer {

struct Scalar {
  std::string_view tag;
  double value;
};

// One file a run of the program. The first record says that steps begin anew from `step`: TensorBoard then
// drops what an earlier file of the folder says of later steps, as a resume after a kill needs.
class EventWriter {
 public:
  static Result<EventWriter> open(const std::filesystem::path& folder, std::uint64_t step, double wall_time_s);

  // Scalars that are no numbers are left out. io_error where the disk is full.
  Outcome write(std::uint64_t step, double wall_time_s, const std::vector<Scalar>& scalars);
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  std::ofstream file_;
};

// CRC-32C (Castagnoli), and as the format stores it.
std::uint32_t crc32c(std::string_view bytes);
std::uint32_t masked_crc32c(std::string_view bytes);

}  // namespace mendel::trainer
