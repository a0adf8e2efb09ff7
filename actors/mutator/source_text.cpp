// The checks before a file is parsed; UTF-8 as RFC 3629 has it.
#include "actors/mutator/source_text.hpp"

#include <cstring>

namespace mendel::mutator {
namespace {

// Length of the UTF-8 sequence at the front that is longer than one byte, 0 if it is none.
std::size_t sequence_length(std::string_view rest) {
  const auto byte = [&](std::size_t i) { return i < rest.size() ? static_cast<unsigned char>(rest[i]) : 0u; };
  const auto lead = byte(0), second = byte(1);
  const std::size_t n = lead >= 0xC2 && lead < 0xE0 ? 2 : lead >= 0xE0 && lead < 0xF0 ? 3 : lead >= 0xF0 && lead < 0xF5 ? 4 : 0;
  for (std::size_t i = 1; i < n; ++i)
    if ((byte(i) & 0xC0) != 0x80) return 0;
  const bool overlong = (lead == 0xE0 && second < 0xA0) || (lead == 0xF0 && second < 0x90);
  const bool outside = (lead == 0xED && second > 0x9F) || (lead == 0xF4 && second > 0x8F);
  return overlong || outside ? 0 : n;
}

bool is_utf8(std::string_view bytes) {
  for (std::size_t i = 0; i < bytes.size();) {
    if (static_cast<unsigned char>(bytes[i]) < 0x80) {
      ++i;
      continue;
    }
    const auto n = sequence_length(bytes.substr(i));
    if (n == 0) return false;
    i += n;
  }
  return true;
}

}  // namespace

const char* why_not_mutated(std::string_view bytes, std::uint64_t bytes_max) {
  if (bytes.empty()) return "empty_file";
  if (bytes.size() > bytes_max) return "too_large";
  if (std::memchr(bytes.data(), '\0', bytes.size()) != nullptr) return "has_nul";
  return is_utf8(bytes) ? "" : "bad_utf8";
}

}  // namespace mendel::mutator
