// What a running plant shows on stderr: one bar or line per phase; and what it prints at its end.
#pragma once

#include <memory>
#include <string>

#include "actors/cli/context.hpp"
#include "actors/cli/stop_request.hpp"
#include "actors/runtime/plant.hpp"

namespace mendel::cli {

// One thread at a time.
class PlantProgress {
 public:
  explicit PlantProgress(const Context& context) : context_(context) {}
  void show(const runtime::PlantView& view);
  void finish() { progress_.reset(); }

 private:
  void update(const runtime::PlantView& view);

  const Context& context_;
  std::string phase_;
  std::unique_ptr<Progress> progress_;
};

// The funnel by stage with its reasons, the dataset, training, and what to do next; JSON with --json.
void print_plant(const Context& context, const runtime::PlantView& view);

// Exit status of a plant that ended with this view.
int plant_status(const runtime::PlantView& view);

// One text for people out of a status: stages, nodes, what is running.
std::string describe(const Status& status, bool running);

}  // namespace mendel::cli
