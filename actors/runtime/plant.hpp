// A whole plant in one call: coordinator, planner, dataset and metrics actors, and, as wanted, the roles of
// this machine and one training child. `mendel up` and `mendel coordinator` are this with other options.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "actors/runtime/actors.hpp"
#include "actors/runtime/node.hpp"
#include "proto/config.pb.h"
#include "proto/result.hpp"

namespace mendel::runtime {

struct PlantOptions {
  Config config;
  std::filesystem::path data;
  Until until = Until::train;
  bool serve_on = false;  // stay when `until` is reached
  std::string listen;  // where nodes of other processes join, tcp://HOST:PORT; empty: none may
  std::vector<std::string> roles;  // that run in this process; empty: none
  // Command that runs a training node; --name, --connect and the keys are added. Empty: no child. Needs a
  // `listen` on the loopback.
  std::vector<std::string> trainer;
  std::function<StopRequest()> stop;  // asked about every 100 ms
  std::function<void(const PlantView&)> watch;  // called about every 100 ms
  std::function<void(std::string_view)> log;  // one line for people
};

// Blocks until `until` is reached or a stop was requested; everything that was taken is stored then.
// busy: another process holds the folder; corrupt: the store is damaged; unavailable: a tool or the
// allow-list; interrupted after StopRequest::abort. After StopRequest::drain the view's phase tells how
// far it came.
Result<PlantView> run_plant(const PlantOptions& options);

// Where the parts of a plant lie.
std::filesystem::path store_folder(const std::filesystem::path& data);
std::filesystem::path control_folder(const std::filesystem::path& data);
std::filesystem::path keys_folder(const std::filesystem::path& data);

// The name that the training child has on the allow-list.
inline constexpr const char* kTrainerNode = "trainer";

}  // namespace mendel::runtime
