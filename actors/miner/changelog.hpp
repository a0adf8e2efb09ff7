// What a changelog says about one release, and which of its entries speaks of a function.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mendel::miner {

// The entries below the heading of `version`, each on one line without its bullet. Empty if the version has no
// heading. Works line by line over Markdown and reStructuredText; bounded by the length of the text.
std::vector<std::string> changelog_entries(std::string_view changelog, std::string_view version);

// The entry that names the function, its class or its module (whole words of at least four letters; the function
// counts most), else the only entry there is; empty if none speaks of it.
std::string entry_about(std::span<const std::string> entries, std::string_view path, std::string_view symbol);

}  // namespace mendel::miner
