// A change of a few neighbouring bytes, and the ways in which finders make one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "actors/mutator/function_view.hpp"

namespace mendel::mutator {

// Replaces the bytes of `range` by `text`; everything outside stays as it is.
struct Splice {
  syntax::Range range;
  std::string text;
};

using Splices = std::vector<Splice>;

std::string spliced(std::string_view text, const Splice& splice);

// Tokens first to last, both included, give way to `text`.
inline void replace(const FunctionView& view, std::uint32_t first, std::uint32_t last, std::string text, Splices& out) {
  out.push_back({{view[first].bytes.begin, view[last].bytes.end}, std::move(text)});
}
inline void replace(const FunctionView& view, std::uint32_t i, std::string_view text, Splices& out) { replace(view, i, i, std::string(text), out); }

inline void insert_before(const FunctionView& view, std::uint32_t i, std::string text, Splices& out) {
  out.push_back({{view[i].bytes.begin, view[i].bytes.begin}, std::move(text)});
}
inline void insert_after(const FunctionView& view, std::uint32_t i, std::string text, Splices& out) {
  out.push_back({{view[i].bytes.end, view[i].bytes.end}, std::move(text)});
}

inline void drop(const FunctionView& view, std::uint32_t i, Splices& out) { out.push_back({view[i].bytes, ""}); }
// Tokens first to last and the white space before them go.
inline void drop_with_space(const FunctionView& view, std::uint32_t first, std::uint32_t last, Splices& out) {
  out.push_back({{view[first - 1].bytes.end, view[last].bytes.end}, ""});
}
// Everything from the begin of token `first` to the begin of token `next` goes.
inline void drop_up_to(const FunctionView& view, std::uint32_t first, std::uint32_t next, Splices& out) {
  out.push_back({{view[first].bytes.begin, view[next].bytes.begin}, ""});
}
// The lines of statements [first, end) go, if the rest stays whole without them.
inline void drop_statements(const FunctionView& view, std::uint32_t first, std::uint32_t end, Splices& out) {
  if (const auto lines = view.removal(first, end)) out.push_back({*lines, ""});
}

}  // namespace mendel::mutator
