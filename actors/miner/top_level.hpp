// The statements of a Python file that stand at its left edge, found without a parse: what a small change
// touches can then be parsed alone, which costs a fraction of the file.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace mendel::miner {

// 0-based lines at which a statement starts at column 0: outside strings, brackets and continued lines, not
// a comment, not a clause (else, elif, except, finally) of the statement before. Any bytes; linear time. In
// text that does not parse, fewer or other lines may be found.
std::vector<std::uint32_t> top_level_lines(std::string_view text);

struct LineRange {
  std::uint32_t begin = 0, end = 0;  // end: one past the last
};

// The whole statements that touch lines [begin, end) or border on them, decorators with what they decorate.
LineRange statements_around(std::string_view text, const std::vector<std::uint32_t>& starts, std::uint32_t begin, std::uint32_t end);

// `text` from line `lines.begin` to before line `lines.end`.
std::string_view cut_lines(std::string_view text, LineRange lines);

}  // namespace mendel::miner
