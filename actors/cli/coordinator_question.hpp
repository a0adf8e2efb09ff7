// Questions to the plant that runs on a data folder, and what its store says when none runs.
#pragma once

#include <optional>

#include "actors/cli/context.hpp"
#include "proto/wire.pb.h"

namespace mendel::cli {

// not_found: no plant runs on this data folder.
Result<Envelope> ask(const Context& context, const Envelope& question);

// Of the running plant. Nothing if none runs.
Result<std::optional<Status>> running_status(const Context& context);

// What the store of a stopped plant says; the phase is "stopped". not_found: no store is there.
Result<Status> stored_status(const Context& context);

}  // namespace mendel::cli
