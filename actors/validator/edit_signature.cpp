// Fields are hashed with their lengths, so that what goes and what comes cannot run into each other.
#include "actors/validator/edit_signature.hpp"

#include <algorithm>

#include "proto/ids.hpp"

namespace mendel::validator {
namespace {

constexpr std::uint32_t kContext = 3;

std::vector<std::string_view> words_of(const TokenizedText& side) {
  std::vector<std::string_view> out;
  for (const auto& token : side.tokens)
    if (token.kind != syntax::TokenKind::comment && token.kind != syntax::TokenKind::newline)
      out.push_back(side.text.substr(token.bytes.begin, token.bytes.size()));
  return out;
}

void add_words(const std::vector<std::string_view>& words, std::size_t begin, std::size_t end, ContentHash& hash) {
  end = std::min(end, words.size());
  hash.add(static_cast<std::uint64_t>(end - begin));
  for (auto i = begin; i < end; ++i) hash.add(words[i]);
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const auto feed = std::min(text.find('\n'), text.size() - 1);
    auto line = text.substr(0, feed + 1);
    text.remove_prefix(feed + 1);
    const auto last = line.find_last_not_of(" \t\r\n");
    out.push_back(line.substr(0, last == std::string_view::npos ? 0 : last + 1));
  }
  return out;
}

}  // namespace

std::uint64_t edit_signature(const TokenizedText& before, const TokenizedText& after, std::span<const syntax::Hunk> hunks) {
  ContentHash hash;
  if (!hunks.empty()) {
    const auto a = words_of(before), b = words_of(after);
    for (const auto& hunk : hunks) {
      add_words(a, hunk.before_begin - std::min(hunk.before_begin, kContext), hunk.before_begin, hash);
      add_words(a, hunk.before_begin, hunk.before_end, hash);
      add_words(b, hunk.after_begin, hunk.after_end, hash);
      add_words(a, hunk.before_end, hunk.before_end + std::size_t{kContext}, hash);
    }
  } else {
    const auto a = lines_of(before.text), b = lines_of(after.text);
    for (const auto& hunk : syntax::line_difference(before.text, after.text)) {
      add_words(a, hunk.before_begin, hunk.before_end, hash);
      add_words(b, hunk.after_begin, hunk.after_end, hash);
    }
  }
  return std::max<std::uint64_t>(1, hash64(hash.finish<>().view()));
}

}  // namespace mendel::validator
