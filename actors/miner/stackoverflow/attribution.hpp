// Whose the texts of a pair are and under which licence, as the licence asks it to be said: author, profile,
// the post's URL, and the version of CC BY-SA that held when it was written.
#pragma once

#include <string>
#include <string_view>

#include "proto/pair.pb.h"
#include "proto/work.pb.h"

namespace mendel::miner {

// SPDX id. `stated` is the dump's own word ("CC BY-SA 4.0"); without it the date decides: 2.5 before
// 2011-04-08, 3.0 before 2018-05-02, then 4.0. Empty if neither says anything.
std::string post_license(std::string_view stated, std::string_view created);

// `question` is the id of the post's thread.
Attribution attribution(const Post& post, std::string_view site, std::uint32_t question);

}  // namespace mendel::miner
