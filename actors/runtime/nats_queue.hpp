// Items that wait in NATS JetStream; only in builds that found libnats.
#pragma once

#include "actors/runtime/queue.hpp"

namespace mendel::runtime {

// unavailable: no server, or none with JetStream. The stream is made if it is not there.
Result<std::unique_ptr<ItemQueue>> open_nats_queue(Moment lease, const std::string& url, const std::string& stream);

}  // namespace mendel::runtime
