// Pairs as they may be kept and given away: secrets and personal data replaced, licences as the configuration
// allows. Applied to what every source makes, before it is stored, and to pairs that people bring.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "proto/config.pb.h"
#include "proto/pair.pb.h"
#include "proto/work.pb.h"

namespace mendel::cleaner {

// Part of the work id of every source: raise it whenever the same pair may be cleaned in another way.
inline constexpr std::uint32_t kVersion = 2;

using CleanCounts = std::map<std::string, std::uint64_t>;  // "clean.DETECTOR" → replaced places

// Replaces what the detectors find in both sides, in the tests and in what they carry. The same content becomes the same
// placeholder everywhere in the pair, other content another, so that what the sides differ in, they
// still differ in. The id is computed anew if anything changed. Cleaning twice changes nothing more.
void clean_pair(Pair& pair, CleanCounts& counts);

// Whether the configuration lets a licence (SPDX id or what the source calls it) in: one of
// clean.licenses, where a '*' at the end stands for any ending; an unknown licence by clean.unknown_license.
bool is_license_allowed(std::string_view license, const Clean& settings);

// Both of these over a stage's result: pairs in it are cleaned, or taken out with a rejection
// (license_not_allowed), and counted in its funnel.
void clean_result(WorkResult& result, const Clean& settings);

}  // namespace mendel::cleaner
