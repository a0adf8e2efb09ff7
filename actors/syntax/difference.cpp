// Myers' O(ND) difference (1986) over lines or tokens, and the unified diff made of it.
#include <algorithm>
#include <string>
#include <unordered_map>

#include "actors/syntax/tokens.hpp"

namespace mendel::syntax {
namespace {

using Symbols = std::vector<std::uint32_t>;

// Equal texts get equal numbers, so that comparing is one integer.
class Numbering {
 public:
  std::uint32_t of(std::string_view text) { return numbers_.try_emplace(text, static_cast<std::uint32_t>(numbers_.size())).first->second; }

 private:
  std::unordered_map<std::string_view, std::uint32_t> numbers_;
};

// Which symbols of the middle parts stay: marks deletions in `before`, insertions in `after`.
// False if more than `changes_max` changes would be needed.
bool myers(const Symbols& a, const Symbols& b, std::uint32_t changes_max, std::vector<bool>& deleted, std::vector<bool>& inserted) {
  const auto n = static_cast<std::int64_t>(a.size()), m = static_cast<std::int64_t>(b.size());
  const auto limit = std::min<std::int64_t>(n + m, changes_max);
  std::vector<std::vector<std::int64_t>> trace;
  std::vector<std::int64_t> v(static_cast<std::size_t>(2 * limit + 3), 0);
  const auto at = [&](std::vector<std::int64_t>& w, std::int64_t k) -> std::int64_t& { return w[static_cast<std::size_t>(k + limit + 1)]; };
  std::int64_t found = -1;
  for (std::int64_t d = 0; d <= limit && found < 0; ++d) {
    trace.push_back(v);
    for (std::int64_t k = -d; k <= d; k += 2) {
      const bool down = k == -d || (k != d && at(v, k - 1) < at(v, k + 1));
      std::int64_t x = down ? at(v, k + 1) : at(v, k - 1) + 1;
      std::int64_t y = x - k;
      while (x < n && y < m && a[static_cast<std::size_t>(x)] == b[static_cast<std::size_t>(y)]) ++x, ++y;
      at(v, k) = x;
      if (x >= n && y >= m) {
        found = d;
        break;
      }
    }
  }
  if (found < 0) return false;
  std::int64_t x = n, y = m;
  for (std::int64_t d = found; d > 0; --d) {
    auto& w = trace[static_cast<std::size_t>(d)];
    const auto k = x - y;
    const bool down = k == -d || (k != d && at(w, k - 1) < at(w, k + 1));
    const auto previous_k = down ? k + 1 : k - 1;
    const auto previous_x = at(w, previous_k), previous_y = previous_x - previous_k;
    if (down) inserted[static_cast<std::size_t>(previous_y)] = true;
    else deleted[static_cast<std::size_t>(previous_x)] = true;
    x = previous_x;
    y = previous_y;
  }
  return true;
}

std::vector<Hunk> difference(const Symbols& before, const Symbols& after, std::uint32_t changes_max) {
  std::size_t prefix = 0;
  while (prefix < before.size() && prefix < after.size() && before[prefix] == after[prefix]) ++prefix;
  std::size_t suffix = 0;
  while (suffix < before.size() - prefix && suffix < after.size() - prefix &&
         before[before.size() - 1 - suffix] == after[after.size() - 1 - suffix])
    ++suffix;
  const Symbols a(before.begin() + static_cast<std::ptrdiff_t>(prefix), before.end() - static_cast<std::ptrdiff_t>(suffix));
  const Symbols b(after.begin() + static_cast<std::ptrdiff_t>(prefix), after.end() - static_cast<std::ptrdiff_t>(suffix));
  if (a.empty() && b.empty()) return {};
  std::vector<bool> deleted(a.size(), false), inserted(b.size(), false);
  if (!myers(a, b, changes_max, deleted, inserted)) {
    deleted.assign(a.size(), true);
    inserted.assign(b.size(), true);
  }
  std::vector<Hunk> out;
  std::size_t i = 0, j = 0;
  const auto number = [&](std::size_t n) { return static_cast<std::uint32_t>(n + prefix); };
  while (i < a.size() || j < b.size()) {
    const auto i0 = i, j0 = j;
    while (i < a.size() && deleted[i]) ++i;
    while (j < b.size() && inserted[j]) ++j;
    if (i > i0 || j > j0) out.push_back({number(i0), number(i), number(j0), number(j)});
    else ++i, ++j;
  }
  return out;
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> out;
  for (std::size_t begin = 0; begin < text.size();) {
    const auto feed = text.find('\n', begin);
    const auto end = feed == std::string_view::npos ? text.size() : feed + 1;
    out.push_back(text.substr(begin, end - begin));
    begin = end;
  }
  return out;
}

void put(std::string& out, char mark, std::string_view line) {
  out.push_back(mark);
  out.append(line);
  if (!line.ends_with('\n')) out.append("\n\\ No newline at end of file\n");
}

std::string range_text(std::size_t begin, std::size_t end) {
  const auto count = end - begin;
  return std::to_string(count == 0 ? begin : begin + 1) + (count == 1 ? "" : "," + std::to_string(count));
}

}  // namespace

std::vector<Hunk> line_difference(std::string_view before, std::string_view after, std::uint32_t changes_max) {
  // Whole lines that both share at their ends are never numbered.
  const auto [a_front, b_front] = std::mismatch(before.begin(), before.end(), after.begin(), after.end());
  if (a_front == before.end() && b_front == after.end()) return {};
  const auto shared = before.substr(0, static_cast<std::size_t>(a_front - before.begin()));
  const auto front = shared.rfind('\n') + 1;  // npos + 1 is 0
  const auto lines = static_cast<std::uint32_t>(std::count(shared.begin(), shared.begin() + static_cast<std::ptrdiff_t>(front), '\n'));
  before.remove_prefix(front);
  after.remove_prefix(front);
  const auto back = static_cast<std::size_t>(std::mismatch(before.rbegin(), before.rend(), after.rbegin(), after.rend()).first - before.rbegin());
  if (const auto feed = before.find('\n', before.size() - back); feed != std::string_view::npos) {
    const auto tail = before.size() - feed - 1;
    before.remove_suffix(tail);
    after.remove_suffix(tail);
  }
  Numbering numbering;
  const auto symbols = [&](std::string_view text) {
    Symbols out;
    for (const auto line : lines_of(text)) out.push_back(numbering.of(line));
    return out;
  };
  const auto a = symbols(before);
  auto out = difference(a, symbols(after), changes_max);
  for (auto& hunk : out) {
    hunk.before_begin += lines;
    hunk.before_end += lines;
    hunk.after_begin += lines;
    hunk.after_end += lines;
  }
  return out;
}

std::vector<Hunk> token_difference(std::string_view before, std::span<const Token> before_tokens, std::string_view after,
                                   std::span<const Token> after_tokens, std::uint32_t changes_max) {
  Numbering numbering;
  const auto symbols = [&](std::string_view text, std::span<const Token> list) {
    Symbols out;
    for (const auto& token : list)
      if (token.kind != TokenKind::comment && token.kind != TokenKind::newline)
        out.push_back(numbering.of(text.substr(token.bytes.begin, token.bytes.size())));
    return out;
  };
  const auto a = symbols(before, before_tokens);
  return difference(a, symbols(after, after_tokens), changes_max);
}

std::string unified_diff(std::string_view before, std::string_view after, std::string_view name) {
  const auto hunks = line_difference(before, after);
  if (hunks.empty()) return {};
  constexpr std::size_t kContext = 3;
  const auto a = lines_of(before), b = lines_of(after);
  std::string out = "--- a/" + std::string(name) + "\n+++ b/" + std::string(name) + "\n";
  for (std::size_t first = 0; first < hunks.size();) {
    std::size_t last = first;
    while (last + 1 < hunks.size() && hunks[last + 1].before_begin - hunks[last].before_end <= 2 * kContext) ++last;
    const auto lead = std::min<std::size_t>(kContext, hunks[first].before_begin);
    const auto trail = std::min<std::size_t>(kContext, a.size() - hunks[last].before_end);
    const auto a0 = hunks[first].before_begin - lead, a1 = hunks[last].before_end + trail;
    const auto b0 = hunks[first].after_begin - lead, b1 = hunks[last].after_end + trail;
    out += "@@ -" + range_text(a0, a1) + " +" + range_text(b0, b1) + " @@\n";
    std::size_t i = a0;
    for (std::size_t h = first; h <= last; ++h) {
      for (; i < hunks[h].before_begin; ++i) put(out, ' ', a[i]);
      for (; i < hunks[h].before_end; ++i) put(out, '-', a[i]);
      for (std::size_t j = hunks[h].after_begin; j < hunks[h].after_end; ++j) put(out, '+', b[j]);
    }
    for (; i < a1; ++i) put(out, ' ', a[i]);
    first = last + 1;
  }
  return out;
}

}  // namespace mendel::syntax
