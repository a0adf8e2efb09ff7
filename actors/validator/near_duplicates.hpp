// Clusters of near-duplicates by locality-sensitive hashing of MinHash signatures.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace mendel::validator {

// Rows of a band so that two signatures of exactly this similarity meet in some band with a probability
// of at least 99 %: the most of 16, 8, 4, 2, 1 that does.
std::uint32_t rows_per_band(double threshold);

// For each signature (kMinHashBytes each; one of another size is alone) the index of the first one of
// its cluster. Two are linked if they share a band and their estimated similarity is at least the
// threshold; clusters are what links connect. The clusters depend on the set of signatures alone. In a
// bucket of very many, each is compared with its kNeighbours next in the order of their bytes, which
// bounds the work to signatures x bands x kNeighbours.
std::vector<std::uint32_t> near_duplicates(std::span<const std::string_view> signatures, double threshold);

}  // namespace mendel::validator
