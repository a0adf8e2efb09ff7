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

// What a byte can begin or go on, as bits.
enum ByteClass : std::uint8_t { kNameStart = 1, kDigit = 2, kSpace = 4, kPrefix = 8, kOperator = 16, kName = kNameStart | kDigit };

constexpr std::array<std::uint8_t, 256> kClasses = [] {
  std::array<std::uint8_t, 256> out{};
  for (unsigned c = 0; c < 256; ++c)
    if (c == '_' || (c | 32u) - 'a' < 26u || c >= 0x80) out[c] = kNameStart;
  for (unsigned c = '0'; c <= '9'; ++c) out[c] = kDigit;
  for (const char c : std::string_view(" \t\r\f")) out[static_cast<unsigned char>(c)] = kSpace;
  for (const char c : std::string_view("rRbBuUfF")) out[static_cast<unsigned char>(c)] |= kPrefix;
  for (const char c : std::string_view("()[]{}<>=+-*/%&|^~@:;,.!")) out[static_cast<unsigned char>(c)] = kOperator;
  return out;
}();

bool is_of(char c, std::uint8_t classes) { return (kClasses[static_cast<unsigned char>(c)] & classes) != 0; }

// Words of at most eight bytes as numbers, in a table with no two keywords in one slot of kProbes.
constexpr std::size_t kKeywordSlots = 128, kProbes = 4;

constexpr std::uint64_t packed(std::string_view word) {
  std::uint64_t out = 0;
  for (std::size_t i = 0; i < word.size(); ++i) out |= static_cast<std::uint64_t>(static_cast<unsigned char>(word[i])) << (8 * i);
  return out;
}
constexpr std::size_t slot_of(std::uint64_t word) { return (word * 0x9e3779b97f4a7c15ull) >> 57; }

constexpr std::array<std::uint64_t, kKeywordSlots + kProbes> kKeywordTable = [] {
  std::array<std::uint64_t, kKeywordSlots + kProbes> out{};
  for (const auto word : kKeywords) {
    std::size_t slot = slot_of(packed(word)), probes = 0;
    while (out[slot] != 0) ++slot, ++probes;
    if (probes >= kProbes) throw "raise kProbes";  // at compile time
    out[slot] = packed(word);
  }
  return out;
}();

// Size of the operator that `rest` begins with: the longest of `**=` `//=` `>>=` `<<=` `...`, then those
// of two bytes, else 1.
std::size_t operator_size(std::string_view rest) {
  const char first = rest[0], second = rest.size() > 1 ? rest[1] : '\0', third = rest.size() > 2 ? rest[2] : '\0';
  if (first == '.') return second == '.' && third == '.' ? 3 : 1;
  if (second == first && (first == '*' || first == '/' || first == '<' || first == '>')) return third == '=' ? 3 : 2;
  if (second == '=') return std::string_view("!=<>+-*/%&|^@:").find(first) != std::string_view::npos ? 2 : 1;
  return first == '-' && second == '>' ? 2 : 1;
}

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
    const char c = text_[at_];
    const auto bits = kClasses[static_cast<unsigned char>(c)];
    if ((bits & kSpace) != 0) return void(++at_);
    if ((bits & kPrefix) != 0 || c == '"' || c == '\'')
      if (const auto prefix = string_prefix(); prefix != kNotAString) return string(prefix);
    if ((bits & kNameStart) != 0) return name();
    if ((bits & kDigit) != 0 || (c == '.' && is_of(peek(1), kDigit))) return number();
    if (c == '\n') return line_feed();
    if (c == '#') return comment();
    if (c == '\\' && (peek(1) == '\n' || (peek(1) == '\r' && peek(2) == '\n'))) {
      at_ += peek(1) == '\n' ? 2 : 3;
      return void(++line_);
    }
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
      if (!is_of(c, kPrefix)) return kNotAString;
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
    while (at_ < text_.size() && is_of(text_[at_], kName)) ++at_;
    add(is_keyword(text_.substr(begin, at_ - begin)) ? TokenKind::keyword : TokenKind::name, begin, at_);
  }

  void number() {
    const auto begin = at_;
    const bool hex = text_[at_] == '0' && (peek(1) | 32) == 'x';
    while (at_ < text_.size()) {
      const char c = text_[at_];
      const bool sign = (c == '+' || c == '-') && !hex && (text_[at_ - 1] | 32) == 'e' && at_ > begin;
      if (!is_of(c, kName) && c != '.' && !sign) break;
      ++at_;
    }
    add(TokenKind::number, begin, at_);
  }

  void op() {
    const auto begin = at_;
    const bool known = is_of(text_[at_], kOperator);
    at_ += known ? operator_size(text_.substr(at_, 3)) : 1;
    add(known ? TokenKind::op : TokenKind::error, begin, at_);
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
  const auto number = packed(word);
  const auto* at = kKeywordTable.data() + slot_of(number);
  return std::find(at, at + kProbes, number) != at + kProbes;
}

}  // namespace mendel::syntax
