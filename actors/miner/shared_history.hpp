// Histories that were read once are not read again: planner and miners of one process share them.
#pragma once

#include <memory>
#include <string>

#include "actors/miner/repository.hpp"

namespace mendel::miner {

// repository.history(), read at most once for the same folder and the same HEAD while it is among the last
// few. Thread-safe, also while it reads. Errors are not kept.
Result<std::shared_ptr<const History>> shared_history(const Repository& repository, const std::string& folder);

}  // namespace mendel::miner
