// The tables of the alphabet, computed at compile time, and the translation in both directions.
#include "actors/encoder/byte_alphabet.hpp"

namespace mendel::encoder {
namespace {

constexpr std::uint32_t kShiftedFirst = 256;
constexpr std::uint32_t kCodePoints = kShiftedFirst + 68;  // 68 bytes are not printable

constexpr bool printable(std::uint32_t byte) {
  return (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
}

struct Alphabet {
  std::array<std::uint16_t, 256> code_point_of_byte{};
  std::array<std::int16_t, kCodePoints> byte_of_code_point{};  // -1: not in the alphabet
  std::array<std::uint16_t, 256> id_of_byte{};
  std::array<std::uint8_t, 256> byte_of_id{};
};

constexpr Alphabet make_alphabet() {
  Alphabet a;
  a.byte_of_code_point.fill(-1);
  std::uint32_t shifted = kShiftedFirst;
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    const std::uint32_t code_point = printable(byte) ? byte : shifted++;
    a.code_point_of_byte[byte] = static_cast<std::uint16_t>(code_point);
    a.byte_of_code_point[code_point] = static_cast<std::int16_t>(byte);
  }
  std::uint32_t rank = 0;
  for (const auto byte : a.byte_of_code_point) {
    if (byte < 0) continue;
    a.id_of_byte[static_cast<std::size_t>(byte)] = static_cast<std::uint16_t>(kByteFirst + static_cast<TokenId>(rank));
    a.byte_of_id[rank++] = static_cast<std::uint8_t>(byte);
  }
  return a;
}

constexpr Alphabet kAlphabet = make_alphabet();

}  // namespace

const std::array<std::uint16_t, 256> kIdOfByte = kAlphabet.id_of_byte;
const std::array<std::uint8_t, 256> kByteOfId = kAlphabet.byte_of_id;

std::string to_alphabet(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const std::uint32_t code_point = kAlphabet.code_point_of_byte[static_cast<unsigned char>(c)];
    if (code_point < 0x80) {
      out.push_back(static_cast<char>(code_point));
    } else {
      out.push_back(static_cast<char>(0xC0 | code_point >> 6));
      out.push_back(static_cast<char>(0x80 | (code_point & 0x3F)));
    }
  }
  return out;
}

std::optional<std::string> from_alphabet(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::uint32_t code_point = static_cast<unsigned char>(text[i]);
    if (code_point >= 0x80) {
      if ((code_point & 0xE0) != 0xC0 || i + 1 == text.size()) return std::nullopt;
      const std::uint32_t second = static_cast<unsigned char>(text[++i]);
      if ((second & 0xC0) != 0x80) return std::nullopt;
      code_point = (code_point & 0x1F) << 6 | (second & 0x3F);
      if (code_point < 0x80) return std::nullopt;
    }
    if (code_point >= kCodePoints || kAlphabet.byte_of_code_point[code_point] < 0) return std::nullopt;
    out.push_back(static_cast<char>(kAlphabet.byte_of_code_point[code_point]));
  }
  return out;
}

}  // namespace mendel::encoder
