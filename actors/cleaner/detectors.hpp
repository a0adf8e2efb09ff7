// What must not be in a pair that is given away: secrets of well-known services, passwords, private keys,
// and what tells who a person is. One row a detector; its example and counter-example run as tests.
//
// Only the insides of strings and comments are looked at, and what is put there holds no quote, backslash,
// brace or line feed: the text parses as it did.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace mendel::cleaner {

// Bytes [begin, end) of the text that is replaced.
struct Found {
  std::size_t begin = 0, end = 0;
  bool any() const { return end > begin; }
};

struct Detector {
  const char* name;  // snake_case, of counters: "clean.NAME"
  const char* description;
  const char* example;  // a line of Python in which it finds something
  const char* counter_example;  // one that looks alike and is left as it is
  // Looks at one string or comment at [begin, end) of `text`, from `at` on. Nothing found: {0, 0}.
  Found (*find)(std::string_view text, std::size_t at, std::size_t begin, std::size_t end);
  // What stands there instead of the n-th different one (n from 1); what was there is given, for its kind.
  std::string (*placeholder)(std::uint32_t n, std::string_view found);
};

// In the order in which they are asked; of two that find something at one place the first wins.
std::span<const Detector> detectors();

}  // namespace mendel::cleaner
