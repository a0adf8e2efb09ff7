// Pairs as people hand them in: JSON lines of a file or stdin, in batches, lines that are no pairs named.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "proto/pair.pb.h"
#include "proto/result.hpp"

namespace mendel::cli {

inline constexpr std::uint64_t kBadLinesNamedMax = 20;  // further ones are only counted

// Calls `batch` with `size` pairs at a time and at the end with what is left, maybe none; it may change
// them. Lines that are no pairs are warned about by file and line and added to `bad_lines`; blank ones
// are passed over. Stops at the first error, and with interrupted after Ctrl-C.
Outcome each_pair_batch(const std::string& path, std::size_t size, std::uint64_t& bad_lines,
                        const std::function<Outcome(std::vector<Pair>&)>& batch);

}  // namespace mendel::cli
