// Texts that the encoder's tests share: real shapes of code, nasty bytes, and random ones by seed.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "actors/encoder/tokenizer.hpp"
#include "proto/ids.hpp"

namespace mendel::encoder {

inline const std::vector<std::string>& sample_texts() {
  static const std::vector<std::string> texts = {
      "def add(a, b):\n    return a + b\n",
      "def mean(values):\n    total = 0\n    for value in values:\n        total += value\n    return total / len(values)",
      "class Point:\n    def __init__(self, x=0, y=0):\n        self.x = x\n        self.y = y\n",
      "async def fetch(url):\n    async with client.get(url) as answer:\n        return await answer.json()",
      "if a <= b and not c != d:\n    x **= 2; y //= 3; z >>= 1; w <<= 2\n    f = lambda n: n -> 1",
      "print(f'{value!r:>{width}} of {total}', \"na\xc3\xafve \xe2\x82\xac 100\")",
  };
  return texts;
}

// What a file may hold and a parser may hate.
inline std::vector<std::string> nasty_texts() {
  using namespace std::string_literals;
  return {
      "",
      "\n",
      "\n\n\n",
      " ",
      std::string(63, ' '),
      std::string(64, ' '),
      std::string(200, ' ') + "x = 1",
      std::string(63, ' ') + "\n" + std::string(62, ' ') + "\t\n",
      "a\0b\0\n\0"s,
      "\xff\xfe\x80\xc3\n  \xc3(\xe2\x82\n",
      "\xef\xbb\xbfx = 1\n",
      "a = 1\r\nb = 2\r\n",
      "\f\nclass A: pass\v\n",
      "\tif x:\n\t    y\n    \tz  \n",
      "<pad><eos><I5><eof> <cont>",
      std::string(100000, '-'),
      std::string(10000, 'x'),
      std::string(5000, '\t'),
      "x = '" + std::string(3000, '\xe2') + "'",
  };
}

inline std::string random_bytes(Random& random, std::size_t size) {
  std::string out;
  for (std::size_t i = 0; i < size; ++i) out.push_back(static_cast<char>(random.below(256)));
  return out;
}

// Random text in which the things that matter to the scanner meet often.
inline std::string random_code(Random& random, std::size_t pieces) {
  static const char* kParts[] = {" ",  "  ", "\n",   "\t",  "def", "x",  "_9", "7",      "==", "=",  "->", "**", "*=",
                                 "//", "/",  "<<",   ">>=", "<=",  ":=", ":",  "return", "(",  ")",  "[",  "]",  "'",
                                 "#",  "\\", "\xc3\xa9", "\xff", "é€", "\r", "@=", "@",      "!=", "!",  "....", "self"};
  std::string out;
  for (std::size_t i = 0; i < pieces; ++i) out += kParts[random.below(std::size(kParts))];
  return out;
}

inline Tokenizer sample_tokenizer(std::uint32_t vocabulary = 420) {
  std::vector<std::string_view> views(sample_texts().begin(), sample_texts().end());
  return Tokenizer::train(views, {.vocabulary = vocabulary, .min_frequency = 2});
}

}  // namespace mendel::encoder
