// One number for what a pair changes, the same for the same change in another copy of the function.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "actors/syntax/tokens.hpp"

namespace mendel::validator {

// A side with its tokens; both are borrowed.
struct TokenizedText {
  std::string_view text;
  std::span<const syntax::Token> tokens;
};

// Hash over each hunk of `hunks` (token_difference of the two sides): tokens that go, tokens that come,
// and kContext tokens around, so that the same slip at two places of one function is two changes. Blind
// to layout, comments and everything further away. Where no token differs, hash over the changed lines.
// Never 0, which stands for no change.
std::uint64_t edit_signature(const TokenizedText& before, const TokenizedText& after, std::span<const syntax::Hunk> hunks);

}  // namespace mendel::validator
