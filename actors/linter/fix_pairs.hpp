// One fix of a linter applied alone: the function before it is the buggy side, the same function after
// it the fixed one.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "actors/linter/diagnostic.hpp"
#include "actors/syntax/tree.hpp"

namespace mendel::linter {

// Byte offsets of positions in one text. Lines end at LF, CR or CRLF; a byte order mark at the front has
// no column. Building is linear; a look-up costs the length of its line.
class LineIndex {
 public:
  explicit LineIndex(std::string_view text);
  // Nothing if the line is not there or is shorter.
  std::optional<std::uint32_t> offset(Position position) const;
  std::string_view text() const { return text_; }

 private:
  std::string_view text_;
  std::vector<std::uint32_t> starts_;
};

struct ByteEdit {
  syntax::Range bytes;
  std::string_view content;  // of the fix, which must outlive it
};

// The edits of `fix` in order of place, without those that put back what is there (linters pin imports
// so); nothing if one is outside the text, two overlap or none is left.
std::optional<std::vector<ByteEdit>> byte_edits(const LineIndex& index, const Fix& fix);

struct FixedFunction {
  std::string buggy, fixed, symbol;
};

struct FixOutcome {
  std::optional<FixedFunction> function;
  const char* reason = "";  // machine word if there is none: see fix_pairs.cpp
};

// `tree` and `functions` are those of the whole file. Deterministic.
FixOutcome apply_fix(syntax::Parser& parser, const syntax::Tree& tree, std::span<const syntax::Function> functions,
                     std::span<const ByteEdit> edits);

}  // namespace mendel::linter
