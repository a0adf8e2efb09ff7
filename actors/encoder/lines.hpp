// Lines of a text as the grid and the trainer see them: leading spaces apart from the body.
#pragma once

#include <cstddef>
#include <cstring>
#include <string_view>

#include "actors/encoder/tokenizer.hpp"

namespace mendel::encoder {

struct Line {
  std::string_view body;  // without the line feed and without the first `indent` spaces
  std::size_t indent;  // 0 .. kIndentCount - 1; more leading spaces stay in the body
};

// `line` without its line feed.
inline Line split_indent(std::string_view line) {
  std::size_t indent = 0;
  while (indent < line.size() && indent + 1 < static_cast<std::size_t>(kIndentCount) && line[indent] == ' ') ++indent;
  return {line.substr(indent), indent};
}

// Calls `visit(Line)` for each line. Lines are what line feeds separate: n of them make n + 1 lines,
// the empty text has one.
template <class Visit>
void for_each_line(std::string_view text, const Visit& visit) {
  for (;;) {
    const void* found = text.empty() ? nullptr : std::memchr(text.data(), '\n', text.size());
    if (!found) return visit(split_indent(text));
    const auto size = static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
    visit(split_indent(text.substr(0, size)));
    text.remove_prefix(size + 1);
  }
}

}  // namespace mendel::encoder
