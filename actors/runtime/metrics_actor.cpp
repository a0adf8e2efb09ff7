// Hands the newest view to the server.
#include "actors/runtime/metrics_actor.hpp"

namespace mendel::runtime {

metrics_actor::behavior_type run_metrics(metrics_actor::stateful_pointer<metrics_state> self, std::shared_ptr<MetricsServer> server) {
  self->state.server = std::move(server);
  return {
      [self](const PlantViewPtr& view) { self->state.server->show(view); },
      [self](quit_atom) { self->quit(); },
  };
}

}  // namespace mendel::runtime
