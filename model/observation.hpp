// A look at how a model thinks while it learns: certainty, synchronisation, a few answers, and the detectors of
// a CTM that collapsed to one constant or fell silent.
#pragma once

#include <span>

#include "model/network.hpp"
#include "model/training.hpp"
#include "model/workers.hpp"

namespace mendel::model {

// Of some samples, the same ones each time; `examples` are the answers to the first `examples_max` bugs among
// them. All but `step` is filled in. Deterministic on one machine.
Look look_at(const Network& network, std::span<const Sample> samples, std::size_t examples_max, Workers& workers);

}  // namespace mendel::model
