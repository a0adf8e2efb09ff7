// The scanner's table-free core; see tokens.hpp.
#include "actors/syntax/tokens.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace mendel::syntax {
namespace {

constexpr std::string_view kKeywords[] = {"False", "None",   "True",  "and",    "as",   "assert", "async",  "await",    "break",
                                          "class", "continue", "def", "del",    "elif", "else",   "except", "finally",  "for",
                                          "from",  "global", "if",    "import", "in",   "is",     "lambda", "nonlocal", "not",
                                          "or",    "pass",   "raise", "return", "try",  "while",  "with",   "yield"};

// Longest first within a first character; anything else is one byte.
constexpr std::string_view kOperators[] = {"**=", "//=", ">>=", "<<=", "...", "!=", "==", "<=", ">=", "->", ":=", "**", "//",
                                           "<<",  ">>",  "+=",  "-=",  "*=",  "/=", "%=", "&=", "|=", "^=", "@="};

bool is_name_start(unsigned char c) { return c == '_' || static_cast<unsigned>((c | 32) - 'a') < 26u || c >= 0x80; }
bool is_digit(unsigned char c) { return static_cast<unsigned>(c - '0') < 10u; }
bool is_name(unsigned char c) { return is_name_start(c) || is_digit(c); }

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) { out_.reserve(text.size() / 4 + 8); }

  std::vector<Token> run() {
    while (at_ < text_.size()) step();
    if (line_has_tokens_) add(TokenKind::newline, at_, at_);
    return std::move(out_);
  }

 private:
  char peek(std::size_t ahead) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }

  void add(TokenKind kind, std::size_t begin, std::size_t end) {
    out_.push_back({kind, {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end)}, line_});
    line_has_tokens_ = kind != TokenKind::newline;
  }

  void step() {
    const auto c = static_cast<unsigned char>(text_[at_]);
    if (c == '\n') return line_feed();
    if (c == ' ' || c == '\t' || c == '\r' || c == '\f') return void(++at_);
    if (c == '\\' && (peek(1) == '\n' || (peek(1) == '\r' && peek(2) == '\n'))) {
      at_ += peek(1) == '\n' ? 2 : 3;
      return void(++line_);
    }
    if (c == '#') return comment();
    if (const auto prefix = string_prefix(); prefix != kNotAString) return string(prefix);
    if (is_name_start(c)) return name();
    if (is_digit(c) || (c == '.' && is_digit(static_cast<unsigned char>(peek(1))))) return number();
    op();
  }

  void line_feed() {
    if (line_has_tokens_) add(TokenKind::newline, at_, at_ + 1);
    ++at_;
    ++line_;
  }

  void comment() {
    const auto begin = at_;
    at_ = std::min(text_.find('\n', at_), text_.size());
    auto end = at_;
    if (end > begin && text_[end - 1] == '\r') --end;
    add(TokenKind::comment, begin, end);
  }

  static constexpr std::size_t kNotAString = ~std::size_t{0};

  // Length of the prefix before a quote, or kNotAString.
  std::size_t string_prefix() const {
    std::size_t n = 0;
    for (; n < 3; ++n) {
      const char c = peek(n);
      if (c == '"' || c == '\'') return n;
      if (std::strchr("rRbBuUfF", c) == nullptr || c == '\0') return kNotAString;
    }
    return kNotAString;
  }

  void string(std::size_t prefix) {
    const auto begin = at_;
    const auto line = line_;
    at_ += prefix;
    const char quote = text_[at_];
    const bool triple = peek(1) == quote && peek(2) == quote;
    at_ += triple ? 3 : 1;
    const bool closed = triple ? close_triple(quote) : close_single(quote);
    const auto feeds = line_;
    line_ = line;
    add(closed ? TokenKind::string : TokenKind::error, begin, at_);
    line_ = feeds;
  }

  bool close_single(char quote) {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '\n') return false;
      if (c == quote) return ++at_, true;
      if (c == '\\' && at_ + 1 < text_.size()) {
        ++at_;
        if (text_[at_] == '\r' && peek(1) == '\n') ++at_;
        if (text_[at_] == '\n') ++line_;
      }
      ++at_;
    }
    return false;
  }

  bool close_triple(char quote) {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == quote && peek(1) == quote && peek(2) == quote) return at_ += 3, true;
      if (c == '\n') ++line_;
      if (c == '\\' && at_ + 1 < text_.size() && text_[at_ + 1] != '\n') ++at_;
      ++at_;
    }
    return false;
  }

  void name() {
    const auto begin = at_;
    while (at_ < text_.size() && is_name(static_cast<unsigned char>(text_[at_]))) ++at_;
    add(is_keyword(text_.substr(begin, at_ - begin)) ? TokenKind::keyword : TokenKind::name, begin, at_);
  }

  void number() {
    const auto begin = at_;
    const bool hex = text_[at_] == '0' && (peek(1) | 32) == 'x';
    while (at_ < text_.size()) {
      const auto c = static_cast<unsigned char>(text_[at_]);
      const bool sign = (c == '+' || c == '-') && !hex && (text_[at_ - 1] | 32) == 'e' && at_ > begin;
      if (!is_name(c) && c != '.' && !sign) break;
      ++at_;
    }
    add(TokenKind::number, begin, at_);
  }

  void op() {
    const auto rest = text_.substr(at_, 3);
    std::size_t size = 1;
    for (const auto candidate : kOperators)
      if (rest.starts_with(candidate)) {
        size = candidate.size();
        break;
      }
    const auto begin = at_;
    at_ += size;
    const bool known = size > 1 || std::strchr("()[]{}<>=+-*/%&|^~@:;,.!", text_[begin]) != nullptr;
    add(known && text_[begin] != '\0' ? TokenKind::op : TokenKind::error, begin, at_);
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::uint32_t line_ = 0;
  bool line_has_tokens_ = false;
  std::vector<Token> out_;
};

}  // namespace

std::vector<Token> tokens(std::string_view text) { return Scanner(text).run(); }

bool is_keyword(std::string_view word) {
  if (word.size() < 2 || word.size() > 8) return false;
  return std::binary_search(std::begin(kKeywords), std::end(kKeywords), word);
}

}  // namespace mendel::syntax
