// Which bytes are Python source that a linter may look at.
#pragma once

#include <cstdint>
#include <string_view>

namespace mendel::linter {

// Empty for UTF-8 text without NUL of at most `bytes_max` bytes; else empty_file, too_large, has_nul
// or bad_utf8. Linear time.
const char* why_not_linted(std::string_view bytes, std::uint64_t bytes_max);

}  // namespace mendel::linter
