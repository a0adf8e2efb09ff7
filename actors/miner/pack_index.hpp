// The index of a git pack (gitformat-pack, versions 1 and 2): which offset each object has. Checked here
// before libgit2 sees it, because libgit2 follows offsets of a damaged index out of the file.
#pragma once

#include <cstdint>
#include <string_view>

namespace mendel::miner {

// What is wrong with `index`, in a few words; empty if every place that it names lies inside of it and
// every offset inside a pack of `pack_bytes`. Linear in the number of objects; hashes are not checked.
const char* why_no_pack_index(std::string_view index, std::uint64_t pack_bytes);

}  // namespace mendel::miner
