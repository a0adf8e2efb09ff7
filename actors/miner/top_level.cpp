// A scanner over bytes that knows strings, comments, brackets and continued lines, nothing else.
#include "actors/miner/top_level.hpp"

#include <algorithm>
#include <array>
#include <limits>

namespace mendel::miner {
namespace {

constexpr std::array<std::string_view, 4> kClauses = {"else", "elif", "except", "finally"};

bool is_word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }

bool starts_statement(std::string_view rest) {
  if (rest.empty() || std::string_view(" \t\r\n\f#").find(rest[0]) != std::string_view::npos) return false;
  return std::none_of(kClauses.begin(), kClauses.end(), [&](std::string_view clause) {
    return rest.starts_with(clause) && (rest.size() == clause.size() || !is_word(rest[clause.size()]));
  });
}

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  std::vector<std::uint32_t> run() {
    bool fresh_line = true;  // at column 0, and no line is being continued
    while (at_ < text_.size()) {
      if (fresh_line && depth_ == 0 && starts_statement(text_.substr(at_))) starts_.push_back(line_);
      fresh_line = step();
    }
    return std::move(starts_);
  }

 private:
  // Takes one byte, comment or string; answers whether a new line starts behind it.
  bool step() {
    const char c = text_[at_];
    switch (c) {
      case '\n': return next_line();
      case '#': at_ = std::min(text_.find('\n', at_), text_.size()); return false;
      case '"':
      case '\'': take_string(c); return false;
      case '\\':
        ++at_;
        if (at_ < text_.size() && text_[at_] == '\r') ++at_;
        if (at_ < text_.size() && text_[at_] == '\n') next_line();
        return false;
      case '(':
      case '[':
      case '{': ++depth_; break;
      case ')':
      case ']':
      case '}': depth_ -= depth_ > 0 ? 1 : 0; break;
      default: break;
    }
    ++at_;
    return false;
  }

  bool next_line() {
    ++at_;
    ++line_;
    return true;
  }

  void take_string(char quote) {
    const auto is_triple = [&] { return at_ + 2 < text_.size() && text_[at_] == quote && text_[at_ + 1] == quote && text_[at_ + 2] == quote; };
    const bool triple = is_triple();
    at_ += triple ? 3 : 1;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '\n' && !triple) return;  // never closed: ends with its line
      if (c == '\n') ++line_;
      if (c == '\\' && at_ + 1 < text_.size()) {
        if (text_[at_ + 1] == '\n') ++line_;
        at_ += 2;
      } else if (c == quote && (!triple || is_triple())) {
        at_ += triple ? 3 : 1;
        return;
      } else {
        ++at_;
      }
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::uint32_t line_ = 0, depth_ = 0;
  std::vector<std::uint32_t> starts_;
};

std::size_t offset_of(std::string_view text, std::uint32_t line) {
  std::size_t at = 0;
  for (; line > 0 && at < text.size(); --line) {
    const auto end = text.find('\n', at);
    at = end == std::string_view::npos ? text.size() : end + 1;
  }
  return at;
}

}  // namespace

std::vector<std::uint32_t> top_level_lines(std::string_view text) { return Scanner(text).run(); }

LineRange statements_around(std::string_view text, const std::vector<std::uint32_t>& starts, std::uint32_t begin, std::uint32_t end) {
  const auto decorator = [&](std::uint32_t line) { return text.substr(offset_of(text, line)).starts_with('@'); };
  auto first = std::upper_bound(starts.begin(), starts.end(), begin > 0 ? begin - 1 : 0);
  if (first != starts.begin()) --first;
  while (first != starts.begin() && decorator(*(first - 1))) --first;
  auto last = std::upper_bound(starts.begin(), starts.end(), end);
  while (last != starts.end() && last != starts.begin() && decorator(*(last - 1))) ++last;
  const bool before_all = first == starts.end() || *first > begin;
  return {before_all ? 0 : *first, last == starts.end() ? std::numeric_limits<std::uint32_t>::max() : *last};
}

std::string_view cut_lines(std::string_view text, LineRange lines) {
  const auto begin = offset_of(text, lines.begin);
  const auto rest = text.substr(begin);
  if (lines.end == std::numeric_limits<std::uint32_t>::max()) return rest;
  return rest.substr(0, offset_of(rest, lines.end - lines.begin));
}

}  // namespace mendel::miner
