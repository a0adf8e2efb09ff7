// The first row that fits wins, so longer names stand before the ones they contain.
#include "actors/miner/license_guess.hpp"

#include <array>
#include <string>

namespace mendel::miner {
namespace {

constexpr std::array kRules = {
    LicenseRule{"AGPL-3.0", {"gnu affero general public license version 3"}},
    LicenseRule{"LGPL-3.0", {"gnu lesser general public license version 3"}},
    LicenseRule{"LGPL-2.1", {"gnu lesser general public license version 2.1"}},
    LicenseRule{"GPL-3.0", {"gnu general public license version 3"}},
    LicenseRule{"GPL-2.0", {"gnu general public license version 2"}},
    LicenseRule{"Apache-2.0", {"apache license", "version 2.0"}},
    LicenseRule{"MPL-2.0", {"mozilla public license", "2.0"}},
    LicenseRule{"PSF-2.0", {"python software foundation license version 2"}},
    LicenseRule{"BSL-1.0", {"boost software license", "version 1.0"}},
    LicenseRule{"ZPL-2.1", {"zope public license", "version 2.1"}},
    LicenseRule{"CC0-1.0", {"cc0 1.0 universal"}},
    LicenseRule{"Unlicense", {"free and unencumbered software released into the public domain"}},
    LicenseRule{"WTFPL", {"do what the fuck you want to public license"}},
    LicenseRule{"BSD-4-Clause", {"redistribution and use in source and binary forms", "all advertising materials", "endorse or promote"}},
    LicenseRule{"BSD-3-Clause", {"redistribution and use in source and binary forms", "endorse or promote"}},
    LicenseRule{"BSD-2-Clause", {"redistribution and use in source and binary forms"}},
    LicenseRule{"MIT-0", {"permission is hereby granted, free of charge", "mit no attribution"}},
    LicenseRule{"MIT", {"permission is hereby granted, free of charge", "this permission notice"}},
    LicenseRule{"ISC", {"permission to use, copy, modify, and", "distribute this software", "provided that the above copyright notice"}},
    LicenseRule{"0BSD", {"permission to use, copy, modify, and", "distribute this software"}},
    LicenseRule{"Zlib", {"altered source versions must be plainly marked as such"}},
};

// Lower case, runs of white space as one space.
std::string normalised(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (c == ' ' || c == '\n' || c == '\r' || c == '\t') {
      if (!out.empty() && out.back() != ' ') out.push_back(' ');
    } else {
      out.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
    }
  }
  return out;
}

}  // namespace

std::span<const LicenseRule> license_rules() { return kRules; }

std::string_view guess_license(std::string_view text) {
  const auto plain = normalised(text.substr(0, kLicenseBytesMax));
  for (const auto& rule : kRules) {
    bool all = true;
    for (const char* phrase : rule.phrases) all = all && (phrase == nullptr || plain.find(phrase) != std::string::npos);
    if (all) return rule.spdx;
  }
  return {};
}

bool is_license_name(std::string_view file_name) {
  const auto name = normalised(file_name);
  for (const char* start : {"license", "licence", "copying", "unlicense"})
    if (name.starts_with(start)) return true;
  return false;
}

}  // namespace mendel::miner
