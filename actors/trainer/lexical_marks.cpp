// One pass over the cells: a stack of brackets, the word being read, the levels of indentation.
#include "actors/trainer/lexical_marks.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace mendel::trainer {
namespace {

constexpr std::string_view kOpeners = "([{", kClosers = ")]}";
constexpr std::size_t kDepthMax = 5, kTouchingDepthMax = 4, kWordMax = 8;

// A word as a number; longer ones are no keyword ("continue" and "nonlocal" have 8 letters).
constexpr std::uint64_t packed(std::string_view word) {
  std::uint64_t out = 0;
  for (const char c : word) out = out << 8 | static_cast<unsigned char>(c);
  return out;
}

// Behind these an operand may start, and before these one may have ended.
constexpr std::array kPrefixWords = {packed("and"), packed("or"), packed("not"), packed("in"), packed("is"), packed("if"), packed("else"),
                                     packed("elif"), packed("for"), packed("while"), packed("return"), packed("lambda"), packed("yield"),
                                     packed("await"), packed("async"), packed("def"), packed("class"), packed("import"), packed("from"),
                                     packed("as"), packed("with"), packed("raise"), packed("del"), packed("assert"), packed("global"),
                                     packed("nonlocal"), packed("except"), packed("match"), packed("case"), packed("type")};
constexpr std::array kInfixWords = {packed("and"), packed("or"), packed("not"), packed("in"), packed("is"), packed("if"), packed("else"),
                                    packed("for"), packed("as"), packed("import"), packed("from"), packed("async")};

template <class Words>
bool among(const Words& words, std::uint64_t word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool is_word_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}

}  // namespace

LexicalMarks::LexicalMarks(const encoder::Tokenizer& tokenizer) : tokens_(tokenizer.size()) {
  for (std::size_t id = encoder::kByteFirst; id < tokens_.size(); ++id) {
    auto bytes = tokenizer.bytes_of(static_cast<encoder::TokenId>(id));
    auto& token = tokens_[id];
    token.apart = bytes.starts_with(' ');
    bytes.remove_prefix(std::min(bytes.find_first_not_of(' '), bytes.size()));
    if (bytes.empty()) continue;
    token.word = is_word_byte(bytes[0]);
    token.length = static_cast<std::uint8_t>(std::min(bytes.size(), kWordMax + 1));
    if (token.word) token.text = packed(bytes.substr(0, kWordMax));
    else token.symbol = bytes[0];
  }
}

// The state of the pass over `cells`.
class LexicalMarks::Reader {
 public:
  Reader(const std::vector<Token>& tokens, std::span<const encoder::TokenId> cells) : tokens_(tokens), cells_(cells), marks_(cells.size()) {}

  std::vector<std::uint8_t> run() {
    for (std::size_t t = 0; t < cells_.size();) {
      const auto id = cells_[t];
      const Token token = at(t);
      if (id == encoder::kEol) end_line();
      else if (id >= encoder::kIndentFirst && id < encoder::kByteFirst) indent(t, static_cast<std::size_t>(id - encoder::kIndentFirst));
      else if (token.word) word(t, token);
      else if (is_quote(token.symbol)) {
        t = string(t, token);
        continue;
      } else if (token.symbol) symbol(t, token.symbol);
      else if (token.apart) end_word();  // white space alone
      ++t;
    }
    end_word();
    for (const auto& bracket : open_) marks_[bracket.at] = kUnclosed;
    return std::move(marks_);
  }

 private:
  struct Bracket {
    std::size_t at;
    char symbol;
  };
  static bool is_quote(char symbol) { return symbol == '"' || symbol == '\''; }
  Token at(std::size_t t) const {
    const auto id = static_cast<std::size_t>(cells_[t]);
    return id < tokens_.size() ? tokens_[id] : Token{};
  }
  void mark_depth(std::size_t t) { marks_[t] = static_cast<std::uint8_t>(std::min(open_.size(), kDepthMax)); }
  void mark_touching(std::size_t t) { marks_[t] = static_cast<std::uint8_t>(kTouching + std::min(open_.size(), kTouchingDepthMax)); }

  void indent(std::size_t t, std::size_t spaces) {
    if (!open_.empty() || continued_) return;
    if (levels_.empty()) levels_.push_back(spaces);
    if (spaces > levels_.back()) {
      if (!block_opened_) marks_[t] = kDeeperWithoutColon;
      levels_.push_back(spaces);
      return;
    }
    if (block_opened_) marks_[t] = kNotDeeperAfterColon;
    while (levels_.size() > 1 && levels_.back() > spaces) levels_.pop_back();
    if (levels_.back() != spaces) marks_[t] = kUnknownLevel;
  }

  void end_line() {
    end_word();
    continued_ = last_symbol_ == '\\';
    if (open_.empty() && !continued_) block_opened_ = last_symbol_ == ':';
    operand_ended_ = false;
  }

  void word(std::size_t t, const Token& token) {
    mark_depth(t);
    last_symbol_ = 0;
    if (reading_ && !token.apart) {
      word_length_ += token.length;
      word_ = word_length_ <= kWordMax ? word_ << 8 * token.length | token.text : 0;
      return;
    }
    end_word();
    reading_ = true;
    word_begin_ = t;
    touches_ = operand_ended_;
    word_length_ = token.length;
    word_ = word_length_ <= kWordMax ? token.text : 0;
  }

  void end_word() {
    if (!reading_) return;
    reading_ = false;
    if (touches_ && !among(kInfixWords, word_)) mark_touching(word_begin_);
    operand_ended_ = !among(kPrefixWords, word_);
  }

  void symbol(std::size_t t, char symbol) {
    end_word();
    last_symbol_ = symbol;
    if (kOpeners.find(symbol) != kOpeners.npos) open_.push_back({t, symbol});
    mark_depth(t);
    const auto closes = kClosers.find(symbol);
    operand_ended_ = closes != kClosers.npos;
    if (!operand_ended_) return;
    if (!open_.empty() && open_.back().symbol == kOpeners[closes]) open_.pop_back();
    else marks_[t] = kStrayCloser;
  }

  // Answers the cell behind the string that opens at t: behind its closing quotes, else at the end of the
  // line, of a triple-quoted one at the end of all.
  std::size_t string(std::size_t t, const Token& quote) {
    const bool prefixed = reading_ && !quote.apart && word_length_ <= 2;  // f"", rb''
    if (prefixed) reading_ = false;
    else end_word();
    const bool touching = prefixed ? touches_ : operand_ended_;
    mark_depth(t);
    if (touching) mark_touching(prefixed ? word_begin_ : t);
    last_symbol_ = quote.symbol;
    const auto stands = [&](std::size_t i) { return i < cells_.size() && at(i).symbol == quote.symbol && !at(i).apart; };
    const std::size_t quotes = stands(t + 1) && stands(t + 2) ? 3 : 1;
    std::size_t end = t + quotes;
    for (; end < cells_.size(); ++end) {
      mark_depth(end);
      if (cells_[end] == encoder::kEol && quotes == 1 && at(end - 1).symbol != '\\') return end;
      if (at(end).symbol == '\\' && end + 1 < cells_.size() && cells_[end + 1] != encoder::kEol) ++end;
      else if (at(end).symbol == quote.symbol && (quotes == 1 || (stands(end + 1) && stands(end + 2)))) break;
    }
    operand_ended_ = true;
    return std::min(end + quotes, cells_.size());
  }

  const std::vector<Token>& tokens_;
  std::span<const encoder::TokenId> cells_;
  std::vector<std::uint8_t> marks_;
  std::vector<Bracket> open_;
  std::vector<std::size_t> levels_;  // of indentation, spaces
  bool block_opened_ = false, continued_ = false, reading_ = false, touches_ = false, operand_ended_ = false;
  std::uint64_t word_ = 0;
  std::size_t word_length_ = 0, word_begin_ = 0;
  char last_symbol_ = 0;
};

std::vector<std::uint8_t> LexicalMarks::of(std::span<const encoder::TokenId> cells) const { return Reader(tokens_, cells).run(); }

}  // namespace mendel::trainer
