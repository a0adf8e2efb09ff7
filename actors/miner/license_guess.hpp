// The SPDX id of a licence text, from a small table of phrases that only that licence has.
#pragma once

#include <span>
#include <string_view>

namespace mendel::miner {

struct LicenseRule {
  const char* spdx;
  const char* phrases[3];  // all must occur, lower case, one space between words; null: none
};

std::span<const LicenseRule> license_rules();

// Empty if no row fits. Looks at the first kLicenseBytesMax bytes.
std::string_view guess_license(std::string_view text);

// LICENSE, LICENCE, COPYING, UNLICENSE with any ending, any case.
bool is_license_name(std::string_view file_name);

inline constexpr std::size_t kLicenseBytesMax = 65536;

}  // namespace mendel::miner
