// The checks from cheap to dear: size, NUL, then UTF-8 as RFC 3629 has it (no surrogates, no overlong
// forms, nothing above U+10FFFF).
#include "actors/linter/source_text.hpp"

#include <cstring>

namespace mendel::linter {
namespace {

bool is_utf8(std::string_view bytes) {
  for (std::size_t i = 0; i < bytes.size();) {
    // Eight bytes of ASCII at once.
    for (std::uint64_t word; bytes.size() - i >= sizeof word; i += sizeof word) {
      std::memcpy(&word, bytes.data() + i, sizeof word);
      if ((word & 0x8080808080808080) != 0) break;
    }
    if (i == bytes.size()) break;
    const auto c = static_cast<unsigned char>(bytes[i]);
    const std::size_t n = c < 0x80 ? 1 : c >= 0xC2 && c < 0xE0 ? 2 : c >= 0xE0 && c < 0xF0 ? 3 : c >= 0xF0 && c < 0xF5 ? 4 : 0;
    if (n == 0 || n > bytes.size() - i) return false;
    const auto second = n > 1 ? static_cast<unsigned char>(bytes[i + 1]) : 0;
    if ((c == 0xE0 && second < 0xA0) || (c == 0xED && second > 0x9F) || (c == 0xF0 && second < 0x90) || (c == 0xF4 && second > 0x8F))
      return false;
    for (std::size_t k = 1; k < n; ++k)
      if ((static_cast<unsigned char>(bytes[i + k]) & 0xC0) != 0x80) return false;
    i += n;
  }
  return true;
}

}  // namespace

const char* why_not_linted(std::string_view bytes, std::uint64_t bytes_max) {
  if (bytes.empty()) return "empty_file";
  if (bytes.size() > bytes_max) return "too_large";
  if (std::memchr(bytes.data(), '\0', bytes.size()) != nullptr) return "has_nul";
  return is_utf8(bytes) ? "" : "bad_utf8";
}

}  // namespace mendel::linter
