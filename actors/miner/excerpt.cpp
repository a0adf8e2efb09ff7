// A scanner over bytes that knows strings, comments, brackets and continued lines, nothing else.
#include "actors/miner/excerpt.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace mendel::miner {
namespace {

using Lines = std::vector<StatementLine>;

constexpr std::array<std::string_view, 4> kClauses = {"else", "elif", "except", "finally"};

bool is_word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }

bool starts_statement(std::string_view rest) {
  if (rest.empty() || rest[0] == '\n' || rest[0] == '\r' || rest[0] == '#') return false;
  return std::none_of(kClauses.begin(), kClauses.end(), [&](std::string_view clause) {
    return rest.starts_with(clause) && (rest.size() == clause.size() || !is_word(rest[clause.size()]));
  });
}

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  Lines run() {
    bool fresh = true;  // at the start of a line that continues none
    while (at_ < text_.size()) {
      if (fresh && depth_ == 0) note_line();
      fresh = at_ < text_.size() && step();
    }
    return std::move(lines_);
  }

 private:
  void note_line() {
    const auto start = at_;
    at_ = std::min(text_.find_first_not_of(" \t\f", at_), text_.size());
    if (starts_statement(text_.substr(at_))) lines_.push_back({line_, static_cast<std::uint32_t>(at_ - start), at_});
  }

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

  bool triple_at(char quote) const { return at_ + 2 < text_.size() && text_[at_] == quote && text_[at_ + 1] == quote && text_[at_ + 2] == quote; }

  void take_string(char quote) {
    const bool triple = triple_at(quote);
    at_ += triple ? 3 : 1;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '\n' && !triple) return;  // never closed: ends with its line
      if (c == '\n') ++line_;
      if (c == '\\' && at_ + 1 < text_.size()) {
        if (text_[at_ + 1] == '\n') ++line_;
        at_ += 2;
      } else if (c == quote && (!triple || triple_at(quote))) {
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
  Lines lines_;
};

// Lines of a text that go into an excerpt: [head_begin, head_end) and [begin, end), offsets of them.
struct Cut {
  std::uint32_t head_line = 0, head_lines = 0, line = 0;
  std::size_t head_begin = 0, head_end = 0, begin = 0, end = 0;
  bool same_place(const Cut& other) const { return head_line == other.head_line && head_lines == other.head_lines && line == other.line; }
};

std::size_t line_start(const StatementLine& line) { return line.offset - line.indent; }

// Of `starts` (one level of statements): those that touch or border on lines [begin, end), by index.
std::pair<std::size_t, std::size_t> around(std::string_view text, const Lines& starts, std::uint32_t begin, std::uint32_t end) {
  const auto after = [](std::uint32_t line, const StatementLine& start) { return line < start.line; };
  const auto decorator = [&](const Lines::const_iterator& at) { return text[at->offset] == '@'; };
  auto first = std::upper_bound(starts.begin(), starts.end(), begin > 0 ? begin - 1 : 0, after);
  if (first != starts.begin()) --first;
  while (first != starts.begin() && decorator(first - 1)) --first;
  auto last = std::upper_bound(first, starts.end(), end, after);
  while (last != starts.end() && last != first && decorator(last - 1)) ++last;
  return {static_cast<std::size_t>(first - starts.begin()), static_cast<std::size_t>(last - starts.begin())};
}

Lines of_indent(const Lines& lines, std::uint32_t indent, std::size_t offset_begin, std::size_t offset_end) {
  Lines out;
  std::copy_if(lines.begin(), lines.end(), std::back_inserter(out), [&](const StatementLine& line) {
    return line.indent == indent && line.offset >= offset_begin && line.offset < offset_end;
  });
  return out;
}

// The members of the class that is all of `cut`, if it is one and the change lies behind its head.
std::optional<Cut> inside_class(std::string_view text, const Lines& lines, const Lines& top, const Cut& cut, std::uint32_t begin, std::uint32_t end) {
  const auto statements = of_indent(top, 0, cut.begin, cut.end);
  const auto head = std::find_if(statements.begin(), statements.end(), [&](const StatementLine& s) { return text[s.offset] != '@'; });
  if (head == statements.end() || head + 1 != statements.end() || !text.substr(head->offset).starts_with("class ")) return std::nullopt;
  const auto body = std::find_if(lines.begin(), lines.end(), [&](const StatementLine& line) { return line.offset > head->offset; });
  if (body == lines.end() || body->offset >= cut.end || body->indent == 0) return std::nullopt;
  const auto members = of_indent(lines, body->indent, body->offset, cut.end);
  if (members.empty() || begin <= members.front().line) return std::nullopt;
  const auto [first, last] = around(text, members, begin, end);
  Cut out;
  out.head_line = cut.line;
  out.head_begin = cut.begin;
  out.head_end = line_start(members.front());
  out.head_lines = members.front().line - cut.line;
  out.line = members[first].line;
  out.begin = line_start(members[first]);
  out.end = last == members.size() ? cut.end : line_start(members[last]);
  return out;
}

struct Cuts {
  Cut outer;  // whole statements
  std::optional<Cut> inner;  // of one class: its head and members
};

Cuts cuts_of(std::string_view text, std::uint32_t begin, std::uint32_t end) {
  const auto lines = statement_lines(text);
  const auto top = of_indent(lines, 0, 0, text.size());
  Cuts out;
  out.outer.end = text.size();
  if (top.empty() || begin <= top.front().line) return out;
  const auto [first, last] = around(text, top, begin, end);
  out.outer.line = top[first].line;
  out.outer.begin = line_start(top[first]);
  out.outer.end = last == top.size() ? text.size() : line_start(top[last]);
  out.inner = inside_class(text, lines, top, out.outer, begin, end);
  return out;
}

Excerpt cut_alike(std::string_view before, const Cut& a, std::string_view after, const Cut& b) {
  const auto text = [](std::string_view whole, const Cut& cut) {
    return std::string(whole.substr(cut.head_begin, cut.head_end - cut.head_begin)).append(whole.substr(cut.begin, cut.end - cut.begin));
  };
  return {text(before, a), text(after, b), a.line - a.head_lines};
}

}  // namespace

std::vector<StatementLine> statement_lines(std::string_view text) { return Scanner(text).run(); }

Excerpt excerpt_around(std::string_view before, std::string_view after, std::span<const syntax::Hunk> hunks) {
  const auto &first = hunks.front(), &last = hunks.back();
  // Blank lines that differ further up shift the versions against each other.
  if (first.before_begin != first.after_begin) return {std::string(before), std::string(after), 0};
  const auto a = cuts_of(before, first.before_begin, last.before_end), b = cuts_of(after, first.after_begin, last.after_end);
  if (a.inner && b.inner && a.inner->same_place(*b.inner)) return cut_alike(before, *a.inner, after, *b.inner);
  if (a.outer.same_place(b.outer)) return cut_alike(before, a.outer, after, b.outer);
  return {std::string(before), std::string(after), 0};
}

}  // namespace mendel::miner
