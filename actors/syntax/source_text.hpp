// Which bytes are text that a source of pairs may look at: the checks before a file is parsed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace mendel::syntax {

// Empty for UTF-8 text without NUL of at most `bytes_max` bytes; else the reason it is left out for:
// empty_file, too_large, has_nul or bad_utf8. A byte order mark, CRLF, tabs and form feeds are text.
// Linear time.
const char* why_not_source(std::string_view bytes, std::uint64_t bytes_max);

// Length of the UTF-8 sequence at the front of `text` (not empty) as RFC 3629 has it (no surrogates, no
// overlong forms, nothing above U+10FFFF); 0 if it is none.
std::size_t utf8_length(std::string_view text);

}  // namespace mendel::syntax
