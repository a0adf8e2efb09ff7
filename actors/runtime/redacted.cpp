// One pass; every rule looks at the place it is at.
#include "actors/runtime/redacted.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace mendel::runtime {
namespace {

constexpr std::string_view kHidden = "***";

// Prefixes that forges give to their tokens, and the fewest characters that follow.
struct TokenRow {
  std::string_view prefix;
  std::size_t least;
};
constexpr std::array kTokens = {TokenRow{"ghp_", 16}, TokenRow{"gho_", 16}, TokenRow{"ghu_", 16}, TokenRow{"ghs_", 16}, TokenRow{"ghr_", 16},
                                TokenRow{"github_pat_", 16}, TokenRow{"glpat-", 16}, TokenRow{"hf_", 16}, TokenRow{"xoxb-", 16}};

// Words (lower case) whose value is a secret; the value ends at a space, quote or separator.
constexpr std::array<std::string_view, 6> kNames = {"authorization: bearer ", "authorization: token ", "token=", "password=", "secret=", "api_key="};

bool in_token(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-'; }
bool ends_value(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0 || c == '"' || c == '\'' || c == '&' || c == ',' || c == ';'; }

bool starts_with_folded(std::string_view text, std::string_view lower) {
  return text.size() >= lower.size() && std::equal(lower.begin(), lower.end(), text.begin(), [](char l, char c) {
           return l == static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
         });
}

struct Span {
  std::size_t kept = 0, hidden = 0;  // characters to copy, then characters to hide
};

Span token_at(std::string_view text) {
  for (const auto& row : kTokens) {
    if (!text.starts_with(row.prefix)) continue;
    const auto end = std::find_if_not(text.begin() + static_cast<std::ptrdiff_t>(row.prefix.size()), text.end(), in_token);
    const auto size = static_cast<std::size_t>(end - text.begin());
    if (size >= row.prefix.size() + row.least) return {0, size};
  }
  return {};
}

Span named_at(std::string_view text) {
  for (const auto& name : kNames) {
    if (!starts_with_folded(text, name)) continue;
    const auto end = std::find_if(text.begin() + static_cast<std::ptrdiff_t>(name.size()), text.end(), ends_value);
    return {name.size(), static_cast<std::size_t>(end - text.begin()) - name.size()};
  }
  return {};
}

// "://user:password@" of an address.
Span login_at(std::string_view text) {
  constexpr std::string_view kScheme = "://";
  if (!text.starts_with(kScheme)) return {};
  const auto rest = text.substr(kScheme.size());
  const auto end = rest.find_first_of("/ \t\n\"'");
  const auto at = rest.substr(0, end).rfind('@');
  return at == std::string_view::npos ? Span{} : Span{kScheme.size(), at};
}

}  // namespace

std::string redacted(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const auto rest = text.substr(at);
    Span found;
    if (rest[0] == ':') found = login_at(rest);
    else if (at == 0 || !in_token(text[at - 1])) found = token_at(rest);
    if (found.hidden == 0) found = named_at(rest);
    if (found.hidden == 0) {
      out += text[at++];
      continue;
    }
    out.append(rest.substr(0, found.kept)).append(kHidden);
    at += found.kept + found.hidden;
  }
  return out;
}

}  // namespace mendel::runtime
