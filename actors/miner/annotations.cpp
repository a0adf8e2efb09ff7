// A scanner over tokens. An annotation begins at a colon behind a parameter or behind a target at the start of a
// statement, or at an arrow, and ends where its brackets are closed again and the next part begins.
#include "actors/miner/annotations.hpp"

#include <utility>
#include <vector>

#include "actors/syntax/tokens.hpp"

namespace mendel::miner {
namespace {

using syntax::Token;
using syntax::TokenKind;

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text), tokens_(syntax::tokens(text)) {}

  std::string run() {
    if (is_overload()) return {};
    while (at_ < tokens_.size()) {
      begin_statement();
      if (is("async")) take();
      if (is("def")) header();
      else if (!statement_target()) take_statement();
    }
    return out_;
  }

 private:
  std::string_view word(std::size_t i) const { return text_.substr(tokens_[i].bytes.begin, tokens_[i].bytes.end - tokens_[i].bytes.begin); }
  bool is(std::string_view what) const { return at_ < tokens_.size() && word(at_) == what; }
  bool is(std::size_t i, std::string_view what) const { return i < tokens_.size() && word(i) == what; }
  bool is_overload() const { return is(0, "@") && (is(1, "overload") || (is(2, ".") && is(3, "overload"))); }
  bool ends_line() const { return at_ >= tokens_.size() || tokens_[at_].kind == TokenKind::newline; }

  // What is taken next stands in the block that its column tells; one behind a colon stays on that line.
  void begin_statement() {
    const auto begin = tokens_[at_].bytes.begin;
    const auto line = text_.substr(0, begin).find_last_of('\n') + 1;  // 0 if there is none
    const auto column = static_cast<std::uint32_t>(begin - line);
    if (tokens_[at_].kind == TokenKind::newline || tokens_[at_].kind == TokenKind::comment || text_.substr(line, column).find_first_not_of(" \t") != std::string_view::npos) return;
    while (!columns_.empty() && columns_.back() > column) columns_.pop_back();
    if (columns_.empty() || columns_.back() < column) columns_.push_back(column);
    block_ = "\n" + std::to_string(columns_.size());
  }

  void take() {
    const auto& token = tokens_[at_];
    const auto text = word(at_++);
    if (token.kind == TokenKind::newline || token.kind == TokenKind::comment) return;
    out_ += std::exchange(block_, {});
    const bool closes = text == ")" || text == "]" || text == "}";
    if (closes && out_.ends_with(" ,")) out_.resize(out_.size() - 2);
    out_ += ' ';
    out_ += text;
  }

  void track(std::string_view text) {
    if (text == "(" || text == "[" || text == "{") ++depth_;
    if ((text == ")" || text == "]" || text == "}") && depth_ > 0) --depth_;
  }

  // Passes over an annotation up to one of `stops` at the depth where it began.
  void skip_to(std::initializer_list<std::string_view> stops, bool line) {
    for (int open = 0; at_ < tokens_.size(); ++at_) {
      const auto text = word(at_);
      if (open == 0)
        for (const auto stop : stops)
          if (text == stop) return;
      if (open == 0 && line && ends_line()) return;
      if (text == "(" || text == "[" || text == "{") ++open;
      if (text == ")" || text == "]" || text == "}") --open;
    }
  }

  // From `def` to the colon that opens the body.
  void header() {
    int open = 0;
    for (bool name = false; at_ < tokens_.size();) {
      const auto text = word(at_);
      if (open == 1 && text == ":" && name) {
        skip_to({",", "=", ")"}, false);
        continue;
      }
      if (open == 0 && text == "->") {
        skip_to({":"}, false);
        continue;
      }
      if (text == "(" || text == "[" || text == "{") ++open;
      if (text == ")" || text == "]" || text == "}") --open;
      if (tokens_[at_].kind != TokenKind::newline && tokens_[at_].kind != TokenKind::comment) name = tokens_[at_].kind == TokenKind::name;
      take();
      if (open == 0 && text == ":") return;
    }
  }

  // `a.b: T = value` without `: T`; `a: T` altogether. False if the statement is another.
  bool statement_target() {
    auto i = at_;
    if (i >= tokens_.size() || tokens_[i].kind != TokenKind::name) return false;
    while (i + 2 < tokens_.size() && word(i + 1) == "." && tokens_[i + 2].kind == TokenKind::name) i += 2;
    if (i + 1 >= tokens_.size() || word(i + 1) != ":") return false;
    const auto begin = at_;
    at_ = i + 1;
    skip_to({"="}, true);
    if (!is("=")) return true;
    const auto value = at_;
    for (at_ = begin; at_ <= i;) take();
    at_ = value;
    take_statement();
    return true;
  }

  // To the end of a logical line, or to the colon that opens a block on it.
  void take_statement() {
    depth_ = 0;
    const bool raises = is("raise");
    while (at_ < tokens_.size()) {
      const bool line_end = tokens_[at_].kind == TokenKind::newline;
      if (raises && depth_ == 0 && is("from")) {
        skip_to({}, true);
        continue;
      }
      const bool typed = is("cast") && is(at_ + 1, "("), encodes = (is("encode") || is("decode")) && is(at_ + 1, "(");
      track(word(at_));
      take();
      if (typed || encodes) {
        track("(");
        take();
        if (typed) skip_to({",", ")"}, false);
        else if (is(at_ + 1, ")") && is_utf8(word(at_))) ++at_;
      }
      if (line_end && depth_ == 0) return;
    }
  }

  static bool is_utf8(std::string_view literal) {
    std::string letters;
    for (const char c : literal)
      if (c != '-' && c != '_' && c != '"' && c != '\'') letters += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return letters == "utf8";
  }

  std::string_view text_;
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  int depth_ = 0;
  std::vector<std::uint32_t> columns_;  // of the blocks that are open
  std::string block_;  // goes in front of the next token
  std::string out_;
};

}  // namespace

std::string what_runs(std::string_view function) { return Scanner(function).run(); }

}  // namespace mendel::miner
