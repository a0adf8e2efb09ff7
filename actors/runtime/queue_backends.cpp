// Which queue the configuration names; the NATS one is there if the build found its library.
#include <algorithm>
#include <cctype>

#include "actors/runtime/queue.hpp"
#ifdef MENDEL_NATS
#include "actors/runtime/nats_queue.hpp"
#endif

namespace mendel::runtime {

Result<std::unique_ptr<ItemQueue>> open_queue(const Config& config) {
  const Moment lease(config.runtime().lease_ms());
  if (config.queue().backend() != "nats") return make_embedded_queue(lease);
  const auto& stream = config.queue().nats_stream();
  const bool plain = std::all_of(stream.begin(), stream.end(), [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '_'; });
  if (stream.empty() || !plain) return Error{ErrorCode::invalid_input, "queue.nats_stream: \"" + stream + "\" has other characters than letters, digits, - and _"};
#ifdef MENDEL_NATS
  return open_nats_queue(lease, config.queue().nats_url(), stream);
#else
  return Error{ErrorCode::unavailable, "queue.backend = nats: this build has no NATS backend; install libnats-dev and build again"};
#endif
}

}  // namespace mendel::runtime
