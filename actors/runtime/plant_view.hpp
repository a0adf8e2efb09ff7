// What the owner of a plant sees of it: for progress, status, metrics and health.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "proto/result.hpp"
#include "proto/wire.pb.h"

namespace mendel::runtime {

struct PlantView {
  Status status;
  std::map<std::string, double> training;  // newest sample by name
  std::map<std::string, std::uint64_t> retries;  // attempts handed out again since the start, by stage
  std::uint64_t stored = 0, failures = 0, duplicates = 0;  // results since the start
  std::uint64_t dead = 0;
  double oldest_lease_s = 0;  // how long the item that is held longest has been held; 0: none is
  bool reused = false;  // the dataset was there already
  bool ended = false;  // nothing more will happen; everything taken is stored
  std::optional<Error> failure;
};
using PlantViewPtr = std::shared_ptr<const PlantView>;

}  // namespace mendel::runtime
