// Statements begin behind a newline outside of brackets, a ';' or a ':'.
#include "actors/miner/imports.hpp"

#include <algorithm>

#include "actors/syntax/tokens.hpp"

namespace mendel::miner {
namespace {

using syntax::Token;
using syntax::TokenKind;

constexpr std::size_t kProseLeast = 16;  // bytes of a string that stands alone
constexpr std::size_t kDottedNameMost = 120;

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text), tokens_(syntax::tokens(text)) {
    std::erase_if(tokens_, [](const Token& token) { return token.kind == TokenKind::comment; });
  }

  std::vector<Import> run() {
    int depth = 0;
    for (at_ = 0; at_ < tokens_.size();) {
      const auto here = word();
      if (here == "(" || here == "[" || here == "{") ++depth;
      if (here == ")" || here == "]" || here == "}") depth = std::max(0, depth - 1);
      if (tokens_[at_].kind == TokenKind::string) named_by(here);
      const bool starts = depth == 0 && (at_ == 0 || tokens_[at_ - 1].kind == TokenKind::newline || word(at_ - 1) == ";" || word(at_ - 1) == ":");
      ++at_;
      if (!starts) continue;
      if (here == "import") import();
      if (here == "from") from();
    }
    return std::move(out_);
  }

 private:
  std::string_view word(std::size_t i) const { return i < tokens_.size() ? text_.substr(tokens_[i].bytes.begin, tokens_[i].bytes.size()) : std::string_view(); }
  std::string_view word() const { return word(at_); }
  bool is_name() const { return at_ < tokens_.size() && tokens_[at_].kind == TokenKind::name; }

  std::string dotted() {
    std::string out;
    while (is_name()) {
      out += word();
      ++at_;
      if (word() != ".") break;
      out += '.';
      ++at_;
    }
    return out;
  }

  void skip_alias() {
    if (word() != "as") return;
    ++at_;
    if (is_name()) ++at_;
  }

  void import() {
    for (;;) {
      auto module = dotted();
      if (module.empty()) return;
      out_.push_back({0, std::move(module), {}});
      skip_alias();
      if (word() != ",") return;
      ++at_;
    }
  }

  void from() {
    Import found;
    for (; word() == "." || word() == "..."; ++at_) found.dots += word() == "." ? 1 : 3;
    found.module = dotted();
    if (word() != "import" || (found.dots == 0 && found.module.empty())) return;
    ++at_;
    const bool brackets = word() == "(";
    if (brackets) ++at_;
    const auto skip_newlines = [&] {
      while (brackets && at_ < tokens_.size() && tokens_[at_].kind == TokenKind::newline) ++at_;
    };
    for (skip_newlines(); is_name(); skip_newlines()) {
      found.names.emplace_back(word());
      ++at_;
      skip_alias();
      skip_newlines();
      if (word() != ",") break;
      ++at_;
    }
    if (brackets && word() == ")") ++at_;
    out_.push_back(std::move(found));
  }

  void named_by(std::string_view literal) {
    const auto quote = literal.find_first_of("'\"");
    auto name = literal.substr(quote + 1, literal.size() - quote - 2);
    const auto is_letter = [](char c) { return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    if (name.size() > kDottedNameMost || name.empty() || !is_letter(name.front()) || name.back() == '.' || name.ends_with(".py") || name.find('.') == std::string_view::npos) return;
    if (!std::all_of(name.begin(), name.end(), [&](char c) { return is_letter(c) || c == '.' || (c >= '0' && c <= '9'); })) return;
    out_.push_back({0, std::string(name), {}});
  }

  std::string_view text_;
  std::vector<Token> tokens_;
  std::vector<Import> out_;
  std::size_t at_ = 0;
};

// Where `at` stands behind nothing but white space in its line: the line's start. Else `at`.
std::size_t line_start_if_first(std::string_view text, std::size_t at) {
  auto start = at;
  while (start > 0 && (text[start - 1] == ' ' || text[start - 1] == '\t')) --start;
  return start == 0 || text[start - 1] == '\n' ? start : at;
}

}  // namespace

std::vector<Import> imports_of(std::string_view text) {
  auto out = Reader(text).run();
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

std::string without_prose(std::string_view text) {
  std::string out;
  std::size_t copied = 0;
  int depth = 0;
  const auto tokens = syntax::tokens(text);
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const auto& token = tokens[i];
    const auto here = text.substr(token.bytes.begin, token.bytes.size());
    if (here == "(" || here == "[" || here == "{") ++depth;
    if (here == ")" || here == "]" || here == "}") depth = std::max(0, depth - 1);
    const auto start = line_start_if_first(text, token.bytes.begin);
    if (token.kind == TokenKind::comment) {
      const bool whole_line = start != token.bytes.begin || start == 0 || text[start - 1] == '\n';
      const auto begin = whole_line ? start : token.bytes.begin;
      out.append(text.substr(copied, begin - copied));
      copied = token.bytes.end;
      if (whole_line && copied < text.size() && text[copied] == '\r') ++copied;
      if (whole_line && copied < text.size() && text[copied] == '\n') ++copied;
      continue;
    }
    const bool alone = token.kind == TokenKind::string && depth == 0 && start != token.bytes.begin && token.bytes.size() >= kProseLeast &&
                       (i == 0 || tokens[i - 1].kind == TokenKind::newline || tokens[i - 1].kind == TokenKind::comment) && (i + 1 == tokens.size() || tokens[i + 1].kind == TokenKind::newline);
    if (!alone) continue;
    out.append(text.substr(copied, token.bytes.begin - copied)).append("\"\"");
    copied = token.bytes.end;
  }
  return out.append(text.substr(copied));
}

}  // namespace mendel::miner
