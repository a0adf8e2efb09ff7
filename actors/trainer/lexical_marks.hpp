// What a lexer sees at each cell, told to the models beside the tokens: counting brackets and finding
// where two operands touch is what a small network would spend its layers on.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "actors/encoder/tokenizer.hpp"

namespace mendel::trainer {

// Immutable, thread-safe. Works on code that does not parse; a lexer's view, so it may be wrong inside
// strings that are not closed.
class LexicalMarks {
 public:
  // model::Sample::marks. Of a cell outside strings: 0 to 5 its depth in brackets (5: or more; a bracket
  // belongs to what it encloses), kStrayCloser a closer without opener or of the wrong kind, kUnclosed an
  // opener never closed, kTouching + depth (at most 4) the start of an operand behind the end of another.
  // Of the indentation of a line outside brackets: how it breaks the rule of its neighbours.
  static constexpr std::uint8_t kStrayCloser = 6, kUnclosed = 7, kTouching = 8;
  static constexpr std::uint8_t kDeeperWithoutColon = 13, kNotDeeperAfterColon = 14, kUnknownLevel = 15;

  explicit LexicalMarks(const encoder::Tokenizer& tokenizer);

  // One mark a cell.
  std::vector<std::uint8_t> of(std::span<const encoder::TokenId> cells) const;

 private:
  // What a token is to the lexer, by its bytes.
  struct Token {
    char symbol = 0;  // the bracket, quote, colon … that stands alone in it; 0: a word, a special or other bytes
    bool word = false;  // letters, digits, '_' or bytes from 0x80 on
    bool apart = false;  // a space before it
    std::uint64_t text = 0;  // of a word: its first 8 bytes, to tell keywords
    std::uint8_t length = 0;
  };
  class Reader;

  std::vector<Token> tokens_;  // [vocabulary]
};

}  // namespace mendel::trainer
