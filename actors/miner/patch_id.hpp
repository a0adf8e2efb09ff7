// One number for what a fix does to a function, the same for a cherry-pick and in a fork: git's patch id
// for pairs. Blind to white space, comments, line numbers and everything that stays as it is.
#pragma once

#include <cstdint>
#include <string_view>

namespace mendel::miner {

// Hash over path, symbol and the tokens exchanged, each run with the token in front of it.
std::uint64_t patch_id(std::string_view path, std::string_view symbol, std::string_view buggy, std::string_view fixed);

}  // namespace mendel::miner
