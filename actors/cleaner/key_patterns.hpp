// Keys of services that can be told by their form alone: a prefix and so many characters of a class.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace mendel::cleaner {

enum class Alphabet : std::uint8_t { upper_digits, alnum, word, base64url, hex };

struct KeyPattern {
  const char* name;
  const char* description;
  const char* prefix;
  Alphabet alphabet;
  std::uint8_t least, most;  // characters behind the prefix
};

std::span<const KeyPattern> key_patterns();

bool is_in(Alphabet alphabet, char c);

// Length of the key at the front of `rest`, 0 if there is none. `before`: the character in front of it ('\0': none).
std::size_t key_length(const KeyPattern& pattern, char before, std::string_view rest);

}  // namespace mendel::cleaner
