// Cuts text into the pieces within which byte pairs may merge.
//
// The scanner equals one regular expression, `kPiecePattern`, which goes into tokenizer.json as it is,
// so that Hugging Face tokenizers cut the same pieces. Punctuation is never merged with a neighbour
// (only Python's own long operators are one piece); one leading space joins what follows it; each
// digit is a piece, so numbers of any length have one spelling; bytes from 0x80 on form runs, so
// invalid UTF-8 needs no rule of its own.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace mendel::encoder {

// Oniguruma syntax, only ASCII classes: what a letter is never depends on a Unicode version.
inline constexpr char kPiecePattern[] =
    R"re( ?(?:[A-Za-z_][A-Za-z_0-9]*|[0-9]|[^\x00-\x7F]+|==|!=|<=|>=|->|:=|\*\*=?|//=?|<<=?|>>=?|[-+*/%&|^@]=|[^\t-\r ])|[\t-\r ]+)re";

// What the pattern tells apart; letter and digit go on a name.
enum class ByteClass : std::uint8_t { letter, digit, high, space, punctuation };

constexpr std::array<ByteClass, 256> make_byte_classes() {
  std::array<ByteClass, 256> classes{};
  for (std::size_t b = 0; b < 256; ++b) {
    const bool letter = (b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z') || b == '_';
    const bool digit = b >= '0' && b <= '9';
    const bool space = (b >= '\t' && b <= '\r') || b == ' ';
    classes[b] = letter      ? ByteClass::letter
                 : digit     ? ByteClass::digit
                 : b >= 0x80 ? ByteClass::high
                 : space     ? ByteClass::space
                             : ByteClass::punctuation;
  }
  return classes;
}
inline constexpr std::array<ByteClass, 256> kByteClasses = make_byte_classes();

inline ByteClass class_of(char c) { return kByteClasses[static_cast<unsigned char>(c)]; }

// Bytes of the operator that starts at `at` < `end`; 1 if it is punctuation that stands alone.
inline std::size_t operator_length(const char* at, const char* end) {
  const auto left = static_cast<std::size_t>(end - at);
  if (left < 2) return 1;
  const char second = at[1];
  switch (*at) {
    case '=':
    case '!':
    case ':':
    case '+':
    case '%':
    case '&':
    case '|':
    case '^':
    case '@':
      return second == '=' ? 2 : 1;
    case '-':
      return second == '=' || second == '>' ? 2 : 1;
    case '*':
    case '/':
    case '<':
    case '>':
      if (second == *at) return left > 2 && at[2] == '=' ? 3 : 2;
      return second == '=' ? 2 : 1;
    default:
      return 1;
  }
}

// The end of the piece that starts at `at` < `end`; never `at`, so a loop over it always ends.
inline const char* next_piece(const char* at, const char* end) {
  const char* head = at;
  ByteClass kind = class_of(*head);
  if (*at == ' ' && at + 1 < end && class_of(at[1]) != ByteClass::space) kind = class_of(*++head);
  switch (kind) {
    case ByteClass::letter:
      do ++head;
      while (head < end && class_of(*head) <= ByteClass::digit);
      return head;
    case ByteClass::digit:
      return head + 1;
    case ByteClass::high:
      do ++head;
      while (head < end && class_of(*head) == ByteClass::high);
      return head;
    case ByteClass::space:
      do ++head;
      while (head < end && class_of(*head) == ByteClass::space);
      return head;
    case ByteClass::punctuation:
      break;
  }
  return head + operator_length(head, end);
}

}  // namespace mendel::encoder
