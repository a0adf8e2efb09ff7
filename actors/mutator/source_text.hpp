// Which bytes are Python source that can be mutated.
#pragma once

#include <cstdint>
#include <string_view>

namespace mendel::mutator {

// Empty for UTF-8 text without NUL of at most `bytes_max` bytes; else empty_file, too_large, has_nul or
// bad_utf8. A byte order mark, CRLF, tabs and form feeds are text. Linear time.
const char* why_not_mutated(std::string_view bytes, std::uint64_t bytes_max);

}  // namespace mendel::mutator
