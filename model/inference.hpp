// Many samples through a network: batches by cells, neighbours in length together, answers in the order
// of the samples.
#pragma once

#include <span>
#include <vector>

#include "model/network.hpp"
#include "model/workers.hpp"

namespace mendel::model {

// Samples must be without fault. The answers do not depend on the number of workers; to the last bits
// they depend on which samples share a batch.
std::vector<std::vector<Proposal>> propose_all(const Network& network, std::span<const Sample> samples, std::uint32_t candidates, Workers& workers, const Probe& probe = {});

}  // namespace mendel::model
