// From cheap to dear: size, NUL, then UTF-8 with eight bytes of ASCII at once.
#include "actors/syntax/source_text.hpp"

#include <cstring>

namespace mendel::syntax {
namespace {

bool is_utf8(std::string_view bytes) {
  for (std::size_t i = 0; i < bytes.size();) {
    for (std::uint64_t word; bytes.size() - i >= sizeof word; i += sizeof word) {
      std::memcpy(&word, bytes.data() + i, sizeof word);
      if ((word & 0x8080808080808080) != 0) break;
    }
    if (i == bytes.size()) break;
    const auto n = utf8_length(bytes.substr(i));
    if (n == 0) return false;
    i += n;
  }
  return true;
}

}  // namespace

const char* why_not_source(std::string_view bytes, std::uint64_t bytes_max) {
  if (bytes.empty()) return "empty_file";
  if (bytes.size() > bytes_max) return "too_large";
  if (std::memchr(bytes.data(), '\0', bytes.size()) != nullptr) return "has_nul";
  return is_utf8(bytes) ? "" : "bad_utf8";
}

std::size_t utf8_length(std::string_view text) {
  const auto c = static_cast<unsigned char>(text[0]);
  if (c < 0x80) return 1;
  const std::size_t n = c >= 0xC2 && c < 0xE0 ? 2 : c >= 0xE0 && c < 0xF0 ? 3 : c >= 0xF0 && c < 0xF5 ? 4 : 0;
  if (n == 0 || n > text.size()) return 0;
  for (std::size_t i = 1; i < n; ++i)
    if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80) return 0;
  const auto d = static_cast<unsigned char>(text[1]);
  const bool overlong = (c == 0xE0 && d < 0xA0) || (c == 0xF0 && d < 0x90);
  const bool outside = (c == 0xED && d > 0x9F) || (c == 0xF4 && d > 0x8F);
  return overlong || outside ? 0 : n;
}

}  // namespace mendel::syntax
