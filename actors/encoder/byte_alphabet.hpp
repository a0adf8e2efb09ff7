// The byte-level alphabet of GPT-2's files: every byte as one printable character, so that tokens of
// any bytes can be written as JSON strings and merges.txt can be split at spaces.
//
// Bytes 33..126, 161..172 and 174..255 stand for themselves as code points; the other 68 take the
// code points from 256 on. Ids follow the code points, as Hugging Face's trainer sorts its alphabet.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "actors/encoder/tokenizer.hpp"

namespace mendel::encoder {

// Id of each byte (kByteFirst .. kMergeFirst - 1), and the byte of each such id minus kByteFirst.
extern const std::array<std::uint16_t, 256> kIdOfByte;
extern const std::array<std::uint8_t, 256> kByteOfId;

// Bytes as characters of the alphabet, in UTF-8: one or two bytes each.
std::string to_alphabet(std::string_view bytes);
// The inverse; nothing if `text` holds anything but characters of the alphabet.
std::optional<std::string> from_alphabet(std::string_view text);

}  // namespace mendel::encoder
