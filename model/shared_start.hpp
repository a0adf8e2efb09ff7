// How a run begins: from its state, from nothing, or at the same point as its partners.
#pragma once

#include <filesystem>
#include <optional>

#include "model/partners.hpp"
#include "model/run_state.hpp"

namespace mendel::model {

// Fills network and optimizer from the state at `path`, or from the one before if that is damaged; nothing if there is none yet. Of several partners the one
// of rank 0 reads it and the others get its numbers, so that they need no disk in common; partners whose
// identities or kinds of device differ are refused, all of them. `partners`: nullptr for one process.
Expected<std::optional<RunCounters>> start_together(Partners* partners, const std::filesystem::path& path, Network& network, OptimizerState& optimizer,
                                                    const Metadata& identity, const Compute& compute);

}  // namespace mendel::model
