// Cuts text into the pieces within which byte pairs may merge.
//
// The scanner equals one regular expression, `kPiecePattern`, which goes into tokenizer.json as it is,
// so that Hugging Face tokenizers cut the same pieces. Punctuation is never merged with a neighbour
// (only Python's own long operators are one piece); one leading space joins what follows it; each
// digit is a piece, so numbers of any length have one spelling; bytes from 0x80 on form runs, so
// invalid UTF-8 needs no rule of its own.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

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

// The first byte from `at` on that is neither letter nor digit. 16 bytes at a time where they may be
// read: most names end in the first step, and a loop over bytes would mispredict each end.
inline const char* end_of_name(const char* at, const char* end) {
#ifdef __SSE2__
  const auto below = [](__m128i value, char limit) {  // unsigned value < limit, bytewise
    return _mm_cmplt_epi8(_mm_xor_si128(value, _mm_set1_epi8(-128)), _mm_set1_epi8(static_cast<char>(limit - 128)));
  };
  for (; end - at >= 16; at += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const __m128i lower = _mm_or_si128(bytes, _mm_set1_epi8(0x20));
    const __m128i letter = below(_mm_sub_epi8(lower, _mm_set1_epi8('a')), 26);
    const __m128i digit = below(_mm_sub_epi8(bytes, _mm_set1_epi8('0')), 10);
    const __m128i name = _mm_or_si128(_mm_or_si128(letter, digit), _mm_cmpeq_epi8(bytes, _mm_set1_epi8('_')));
    const auto others = static_cast<std::uint32_t>(~_mm_movemask_epi8(name)) & 0xFFFF;
    if (others) return at + std::countr_zero(others);
  }
#endif
  while (at < end && class_of(*at) <= ByteClass::digit) ++at;
  return at;
}

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
      return end_of_name(head + 1, end);
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

#ifdef __SSE2__
inline constexpr std::size_t kBlockBytes = 64;

// The starts of pieces among the kBlockBytes bytes from `at` on, where a piece starts: bit i for byte i. What
// next_piece finds one by one, found for all at once without a branch for each.
// `end` must be at least kBlockBytes + 2 away: operators are looked at whole.
inline std::uint64_t piece_starts(const char* at, const char* end) {
  std::uint64_t letters = 0, digits = 0, high = 0, blanks = 0, spaces = 0, second = 0;
  const auto bits = [](__m128i lanes) { return static_cast<std::uint64_t>(static_cast<std::uint32_t>(_mm_movemask_epi8(lanes))); };
  const auto is = [](__m128i bytes, char c) { return _mm_cmpeq_epi8(bytes, _mm_set1_epi8(c)); };
  const auto within = [](__m128i bytes, char first, char count) {  // first <= byte < first + count, unsigned
    const __m128i above = _mm_sub_epi8(bytes, _mm_set1_epi8(static_cast<char>(first - 128)));
    return _mm_cmplt_epi8(above, _mm_set1_epi8(static_cast<char>(count - 128)));
  };
  for (std::size_t i = 0; i < kBlockBytes; i += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at + i));
    const __m128i space = is(bytes, ' ');
    letters |= bits(_mm_or_si128(within(_mm_or_si128(bytes, _mm_set1_epi8(0x20)), 'a', 26), is(bytes, '_'))) << i;
    digits |= bits(within(bytes, '0', 10)) << i;
    high |= bits(bytes) << i;
    blanks |= bits(_mm_or_si128(within(bytes, '\t', 5), space)) << i;
    spaces |= bits(space) << i;
    second |= bits(_mm_or_si128(within(bytes, '<', 3), _mm_or_si128(is(bytes, '*'), is(bytes, '/')))) << i;
  }
  // A name begins at the first letter of a run of letters and digits; the digits before it stand alone.
  const std::uint64_t run = letters | digits;
  const std::uint64_t lone_digits = digits & ~(digits + (digits & ~(run << 1)));
  const std::uint64_t names = run & ~lone_digits;
  std::uint64_t punctuation = ~(run | high | blanks);
  for (std::uint64_t left = punctuation & second >> 1; left; left &= left - 1) {
    const int first = std::countr_zero(left);
    if (!(punctuation >> first & 1)) continue;  // the second or third byte of an operator
    const std::uint64_t rest = (1ull << (operator_length(at + first, end) - 1)) - 1;
    punctuation &= ~(rest << first << 1);
  }
  const std::uint64_t body = lone_digits | (names & ~(names << 1)) | (high & ~(high << 1)) | punctuation;
  const std::uint64_t blank_runs = blanks & ~(blanks << 1);
  const std::uint64_t joined = blank_runs & spaces & ~(blanks >> 1);  // one space, and it joins what follows
  return (body & ~(joined << 1)) | blank_runs;
}
#endif

}  // namespace mendel::encoder
