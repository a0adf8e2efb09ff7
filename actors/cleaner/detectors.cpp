// Matchers walk by hand: the texts are hostile, and a backtracking engine would be a way to stop the plant.
#include "actors/cleaner/detectors.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>

#include "actors/cleaner/key_patterns.hpp"

namespace mendel::cleaner {
namespace {

bool digit(char c) { return c >= '0' && c <= '9'; }
bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool word(char c) { return is_in(Alphabet::word, c); }
char before(std::string_view text, std::size_t at) { return at == 0 ? '\0' : text[at - 1]; }

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

// Runs `match` at each place from `at` on; it answers the end, or 0.
template <class Match>
Found first_match(std::string_view text, std::size_t at, std::size_t end, Match match) {
  for (auto i = at; i < end; ++i)
    if (const auto stop = match(text.substr(0, end), i); stop > i) return {i, stop};
  return {};
}

// --- private keys: everything between the two lines of dashes

constexpr std::string_view kKeyBegin = "-----BEGIN ", kKeyMark = "PRIVATE KEY-----", kKeyEnd = "-----END ";

bool base64(char c) { return is_in(Alphabet::alnum, c) || c == '+' || c == '/' || c == '='; }

// The next line of the body, so that lines stay lines.
Found private_key(std::string_view text, std::size_t at, std::size_t begin, std::size_t end) {
  constexpr std::size_t kLineLeast = 8;
  const auto inside = text.substr(0, end);
  for (auto key = inside.find(kKeyBegin, begin); key != std::string_view::npos; key = inside.find(kKeyBegin, key + 1)) {
    const auto mark = inside.find(kKeyMark, key);
    if (mark == std::string_view::npos || mark - key > 40) continue;
    const auto last = std::min(inside.find(kKeyEnd, mark), end);
    for (auto i = std::max(mark + kKeyMark.size(), at); i < last;) {
      if (inside[i] == '\\') i += 2;
      const auto first = i;
      while (i < last && base64(inside[i])) ++i;
      if (i - first >= kLineLeast) return {first, i};
      if (i == first) ++i;
    }
  }
  return {};
}

// --- JSON web tokens: three runs of base64url with dots between, the first two beginning with eyJ

std::size_t jwt_at(std::string_view text, std::size_t at) {
  if (!text.substr(at).starts_with("eyJ") || word(before(text, at))) return 0;
  auto i = at;
  for (int part = 0; part < 3; ++part) {
    const auto begin = i;
    while (i < text.size() && is_in(Alphabet::base64url, text[i])) ++i;
    if (i - begin < 10 || (part == 1 && !text.substr(begin).starts_with("eyJ"))) return 0;
    if (part < 2 && (i == text.size() || text[i++] != '.')) return 0;
  }
  return i;
}
Found jwt(std::string_view text, std::size_t at, std::size_t, std::size_t end) { return first_match(text, at, end, jwt_at); }

// --- keys by their form

template <std::size_t kIndex>
Found service_key(std::string_view text, std::size_t at, std::size_t, std::size_t end) {
  const auto& pattern = key_patterns()[kIndex];
  const auto inside = text.substr(0, end);
  for (auto i = inside.find(pattern.prefix, at); i != std::string_view::npos; i = inside.find(pattern.prefix, i + 1))
    if (const auto size = key_length(pattern, before(text, i), inside.substr(i)); size > 0) return {i, i + size};
  return {};
}

// --- web hooks: the path is the secret

Found web_hook(std::string_view text, std::size_t at, std::size_t, std::size_t end) {
  constexpr std::string_view kHosts[] = {"hooks.slack.com/services/", "discord.com/api/webhooks/", "discordapp.com/api/webhooks/", "api.telegram.org/bot"};
  for (const auto host : kHosts) {
    const auto i = text.substr(0, end).find(host, at);
    if (i == std::string_view::npos) continue;
    auto stop = i + host.size();
    while (stop < end && (is_in(Alphabet::base64url, text[stop]) || text[stop] == '/' || text[stop] == ':')) ++stop;
    if (stop - i - host.size() >= 24) return {i + host.size(), stop};
  }
  return {};
}

// --- passwords in URLs: scheme://user:PASSWORD@host

bool is_plain_password(std::string_view text) {
  constexpr std::string_view kWords[] = {"password", "pass", "pwd", "passwd", "secret", "pw", "user", "xxx", "token", "test"};
  const auto low = lower(text);
  return low.find_first_not_of("*x.") == std::string::npos || std::find(std::begin(kWords), std::end(kWords), low) != std::end(kWords);
}

Found url_password(std::string_view text, std::size_t at, std::size_t begin, std::size_t end) {
  const auto inside = text.substr(0, end);
  for (auto scheme = inside.find("://", begin); scheme != std::string_view::npos; scheme = inside.find("://", scheme + 3)) {
    const auto user = scheme + 3;
    const auto stop = std::min(inside.find_first_of("/?# \t\n'\"\\<>{}$%", user), end);
    const auto sign = inside.substr(0, stop).rfind('@');
    const auto colon = inside.find(':', user);
    if (sign == std::string_view::npos || sign < user || colon == std::string_view::npos || colon + 3 > sign || colon < at) continue;
    if (!is_plain_password(inside.substr(colon + 1, sign - colon - 1)) && !inside.substr(colon + 1, sign - colon - 1).starts_with("PASSWORD_")) return {colon + 1, sign};
  }
  return {};
}

// --- values given to names that say what they are

constexpr std::string_view kSecretNames[] = {"password", "passwd", "passphrase", "secret", "token", "api_key", "apikey", "access_key", "private_key",
                                             "auth_key", "client_key", "credential"};

bool names_secret(std::string_view name) {
  const auto low = lower(name);
  return std::any_of(std::begin(kSecretNames), std::end(kSecretNames), [&](auto secret) { return low.find(secret) != std::string::npos; });
}

double bits_per_character(std::string_view text) {
  std::array<std::uint32_t, 256> counts{};
  for (const char c : text) ++counts[static_cast<unsigned char>(c)];
  double bits = 0;
  for (const auto n : counts)
    if (n > 0) bits -= n * std::log2(static_cast<double>(n) / static_cast<double>(text.size()));
  return bits / static_cast<double>(text.size());
}

// Characters of keys alone, letters and digits mixed, and no words to read.
bool looks_random(std::string_view value) {
  constexpr std::size_t kLeast = 12;
  constexpr double kBits = 3.0;
  std::size_t digits = 0, letters = 0;
  for (const char c : value) {
    if (!is_in(Alphabet::base64url, c) && c != '+' && c != '/' && c != '=' && c != '!' && c != '#' && c != '$' && c != '@') return false;
    digits += digit(c), letters += letter(c);
  }
  return value.size() >= kLeast && digits >= 2 && letters >= 3 && bits_per_character(value) >= kBits;
}

// The name in front of "= '" or "': '" or "=" at the end of `text`.
std::string_view name_before(std::string_view text) {
  const auto skip = [&](auto&& test) {
    while (!text.empty() && test(text.back())) text.remove_suffix(1);
  };
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  skip(blank);
  if (text.empty() || (text.back() != '=' && text.back() != ':')) return {};
  text.remove_suffix(1);
  if (!text.empty() && std::string_view("=!<>+-*/%").find(text.back()) != std::string_view::npos) return {};
  skip(blank);
  skip([](char c) { return c == '"' || c == '\'' || c == ']'; });
  const auto end = text.size();
  skip(word);
  return {text.data() + text.size(), end - text.size()};
}

Found secret_value(std::string_view text, std::size_t at, std::size_t begin, std::size_t end) {
  const auto token = text.substr(begin, end - begin);
  const auto quote = token.find_first_of("'\"");
  if (quote == std::string_view::npos || quote > 2 || token[0] == '#' || at > begin) return {};
  const auto size = token.substr(quote).starts_with("\"\"\"") || token.substr(quote).starts_with("'''") ? 3u : 1u;
  if (token.size() < quote + 2 * size) return {};
  const auto value = token.substr(quote + size, token.size() - quote - 2 * size);
  if (!names_secret(name_before(text.substr(0, begin))) || !looks_random(value)) return {};
  const auto first = begin + quote + size;
  return {first, first + value.size()};
}

// --- mail addresses

bool is_kept_host(std::string_view host) {
  constexpr std::string_view kKept[] = {"example.com", "example.org", "example.net", "localhost.localdomain", "users.noreply.github.com"};
  const auto low = lower(host);
  return low.ends_with(".example") || low.ends_with(".invalid") || low.ends_with(".test") || low.ends_with(".local") || low.starts_with("example.") ||
         std::any_of(std::begin(kKept), std::end(kKept), [&](auto kept) { return low == kept || low.ends_with("." + std::string(kept)); });
}

Found email(std::string_view text, std::size_t at, std::size_t begin, std::size_t end) {
  const auto local = [](char c) { return word(c) || c == '.' || c == '-' || c == '+'; };
  const auto inside = text.substr(0, end);
  for (auto sign = inside.find('@', at); sign != std::string_view::npos; sign = inside.find('@', sign + 1)) {
    auto first = sign, last = sign + 1;
    while (first > std::max(begin, at) && local(text[first - 1])) --first;
    while (last < end && (is_in(Alphabet::base64url, text[last]) || text[last] == '.')) ++last;
    while (last > sign + 1 && !letter(text[last - 1])) --last;
    const auto name = text.substr(first, sign - first), host = text.substr(sign + 1, last - sign - 1);
    const auto dot = host.rfind('.');
    const bool is_host = dot != std::string_view::npos && dot > 0 && host.size() - dot > 2 && host.find("..") == std::string_view::npos &&
                         std::all_of(host.begin() + static_cast<std::ptrdiff_t>(dot) + 1, host.end(), letter);
    const bool is_login = name == "git" || before(text, first) == ':' || before(text, first) == '/';
    if (!name.empty() && word(name[0]) && is_host && !is_login && !is_kept_host(host)) return {first, last};
  }
  return {};
}

// --- IPv4 addresses of the public net

bool is_public(const std::array<int, 4>& o) {
  const bool home = o[0] == 0 || o[0] == 10 || o[0] == 127 || o[0] >= 224 || (o[0] == 172 && o[1] >= 16 && o[1] < 32) || (o[0] == 192 && o[1] == 168) ||
                    (o[0] == 169 && o[1] == 254) || (o[0] == 100 && o[1] >= 64 && o[1] < 128);
  const bool papers = (o[0] == 192 && o[1] == 0) || (o[0] == 198 && (o[1] == 51 || o[1] == 18 || o[1] == 19)) || (o[0] == 203 && o[1] == 0 && o[2] == 113);
  const bool resolver = (o[0] == 8 && o[1] == 8) || (o[0] == 1 && o[1] == o[2]) || (o[0] == 9 && o[1] == 9);
  const bool version = o[0] < 20 && o[1] < 20 && o[2] < 20 && o[3] < 20;  // more likely 1.2.3.4 of a release
  return !home && !papers && !resolver && !version;
}

std::size_t ipv4_at(std::string_view text, std::size_t at) {
  const char left = before(text, at);
  if (!digit(text[at]) || word(left) || left == '.' || left == '-') return 0;
  std::array<int, 4> octets{};
  auto i = at;
  for (std::size_t k = 0; k < 4; ++k) {
    const auto begin = i;
    while (i < text.size() && digit(text[i]) && i - begin < 4) ++i;
    if (i == begin || i - begin > 3 || (i - begin > 1 && text[begin] == '0')) return 0;
    std::from_chars(text.data() + begin, text.data() + i, octets[k]);
    if (octets[k] > 255 || (k < 3 && (i == text.size() || text[i++] != '.'))) return 0;
  }
  const bool goes_on = i < text.size() && (word(text[i]) || (text[i] == '.' && i + 1 < text.size() && digit(text[i + 1])));
  return !goes_on && is_public(octets) ? i : 0;
}
Found ipv4(std::string_view text, std::size_t at, std::size_t, std::size_t end) { return first_match(text, at, end, ipv4_at); }

// --- telephone numbers: "+49 30 1234567", "(212) 555-1234", "212-555-1234"

std::size_t phone_at(std::string_view text, std::size_t at) {
  const char left = before(text, at);
  if (word(left) || left == '-' || left == '.' || left == '/' || left == '+') return 0;
  const auto run = [&](std::size_t& i) {
    const auto begin = i;
    while (i < text.size() && digit(text[i])) ++i;
    return i - begin;
  };
  auto i = at;
  const auto ends = [&](std::size_t stop) { return stop < text.size() && (word(text[stop]) || text[stop] == '-') ? std::size_t{0} : stop; };
  if (text[i] == '+') {
    ++i;
    std::size_t digits = run(i), groups = 1;
    if (digits == 0 || digits > 3) return 0;
    while (i + 1 < text.size() && (text[i] == ' ' || text[i] == '-') && digit(text[i + 1])) digits += (++i, run(i)), ++groups;
    return groups >= 3 && digits >= 9 && digits <= 15 ? ends(i) : 0;
  }
  const bool brackets = text[i] == '(';
  if (brackets) ++i;
  if (run(i) != 3 || i >= text.size()) return 0;
  if (brackets && text[i++] != ')') return 0;
  if (brackets && i < text.size() && text[i] == ' ') ++i;
  else if (!brackets && text[i++] != '-') return 0;
  const auto exchange = i;
  if (run(i) != 3 || i >= text.size() || text[i++] != '-') return 0;
  if (text.substr(exchange).starts_with("555-01")) return 0;
  return run(i) == 4 ? ends(i) : 0;
}
Found phone(std::string_view text, std::size_t at, std::size_t, std::size_t end) { return first_match(text, at, end, phone_at); }

// --- what stands there instead

std::string numbered(const char* name, std::uint32_t n) { return name + std::to_string(n); }
std::string key_placeholder(std::uint32_t n, std::string_view) { return numbered("API_KEY_", n); }
std::string private_key_placeholder(std::uint32_t n, std::string_view) { return numbered("PRIVATE_KEY_", n); }
std::string token_placeholder(std::uint32_t n, std::string_view) { return numbered("WEB_TOKEN_", n); }
std::string password_placeholder(std::uint32_t n, std::string_view) { return numbered("PASSWORD_", n); }
std::string secret_placeholder(std::uint32_t n, std::string_view) { return numbered("SECRET_", n); }
std::string email_placeholder(std::uint32_t n, std::string_view) { return "user" + std::to_string(n) + "@example.com"; }
std::string ipv4_placeholder(std::uint32_t n, std::string_view) { return "192.0.2." + std::to_string((n - 1) % 254 + 1); }
std::string phone_placeholder(std::uint32_t n, std::string_view) {
  const auto last = std::to_string((n - 1) % 100);
  return "212-555-01" + std::string(2 - last.size(), '0') + last;
}

// Examples of keys are in pieces, so that nobody's scanner takes them for keys.
constexpr const char* kKeyExamples[] = {
    "k = 'AKIA" "IOSFODNN7EXAMPLE'", "k = 'ASIA" "IOSFODNN7EXAMPLE'", "k = 'ghp_" "0123456789abcdefghij0123456789ABCDEF'",
    "k = 'gho_" "0123456789abcdefghij0123456789ABCDEF'", "k = 'ghu_" "0123456789abcdefghij0123456789ABCDEF'",
    "k = 'ghs_" "0123456789abcdefghij0123456789ABCDEF'", "k = 'ghr_" "0123456789abcdefghij0123456789ABCDEF'",
    "k = 'github_pat_" "11AAAAAAA0123456789012_0123456789abcdefghijklmnop'", "k = 'glpat-" "0123456789abcdefghij'",
    "k = 'AIza" "SyA0123456789abcdefghijklmnopqrs-_t'", "k = 'ya29." "a0AfH6SMB0123456789abcdefghijklm'",
    "k = 'xoxb-" "123456789012-abcdefghijkl'", "k = 'xoxp-" "123456789012-abcdefghijkl'", "k = 'xapp-" "1-A0123456789-abcdefghijkl'",
    "k = 'sk_live_" "0123456789abcdefghijABCD'", "k = 'rk_live_" "0123456789abcdefghijABCD'",
    "k = 'sk-proj-" "0123456789abcdefghijABCDEFGHIJ0123456789_-'", "k = 'sk-ant-" "api03-0123456789abcdefghijABCDEFGHIJ0123456789'",
    "k = 'sk-" "0123456789abcdefghijABCDEFGHIJ0123456789abcdefgh'", "k = 'hf_" "abcdefghijklmnopqrstuvwxyzABCDEFGH'",
    "k = 'npm_" "0123456789abcdefghij0123456789ABCDEF'", "k = 'pypi-AgE" "IcHlwaS5vcmcCJDAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4'",
    "k = 'SG." "0123456789abcdefghij-_.x'", "k = 'SK" "0123456789abcdef0123456789abcdef'", "k = 'key-" "0123456789abcdef0123456789abcdef'",
    "k = 'dop_v1_" "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef'", "k = 'shpat_" "0123456789abcdef0123456789abcdef'",
    "k = 'dapi" "0123456789abcdef0123456789abcdef'",
};
constexpr const char* kKeyCounterExamples[] = {
    "k = 'AKIA' + rest", "k = 'ASIAN'", "k = 'ghp_token'", "k = 'gho_sts'", "k = 'ghu_x'", "k = 'ghs_x'", "k = 'ghr_x'", "k = 'github_pat_'",
    "k = 'glpat-x'", "k = 'AIzawa'", "k = 'ya29.x'", "k = 'xoxb-x'", "k = 'xoxp-your-token'", "k = 'xapp-x'", "k = 'sk_live_x'", "k = 'rk_live_x'",
    "k = 'sk-proj-x'", "k = 'sk-ant-x'", "k = 'sk-learn'", "k = 'hf_hub_download'", "k = 'npm_config_registry'", "k = 'pypi-AgE'", "k = 'SG.x'",
    "k = 'SKIP'", "k = 'key-value'", "k = 'dop_v1_x'", "k = 'shpat_x'", "k = 'dapi.databricks'",
};
constexpr std::size_t kKeyCount = std::size(kKeyExamples);
static_assert(std::size(kKeyCounterExamples) == kKeyCount);

constexpr Detector kOthers[] = {
    {"private_key", "body of a private key in PEM form", "k = '''-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA7bq98\n-----END RSA PRIVATE KEY-----'''",
     "k = '-----BEGIN PUBLIC KEY-----MIIEowIBAAKCAQEA7bq98'", private_key, private_key_placeholder},
    {"jwt", "JSON web token", "t = 'eyJ" "hbGciOiJIUzI1NiJ9.eyJ" "zdWIiOiIxMjM0In0.abcdefghijklmnop'", "t = 'eyJhbGciOiJIUzI1NiJ9.payload'", jwt, token_placeholder},
    {"web_hook", "secret path of a web hook or bot", "u = 'https://hooks.slack.com/services/" "T00000000/B00000000/abcdefghijklmnop'",
     "u = 'https://hooks.slack.com/services/'", web_hook, token_placeholder},
    {"url_password", "password in a URL", "u = 'postgres://app:Tr0ub4dor@db/x'", "u = 'postgres://user:password@db/x:y'", url_password, password_placeholder},
    {"secret_value", "random value given to a name that says it is secret", "api_key = '9f8a7b6c5d4e3f2a1b0c'", "api_key = 'your-api-key-here'", secret_value,
     secret_placeholder},
    {"email", "mail address", "a = 'jane.doe@acme-corp.de'", "a = 'jane@example.com git@github.com:x @b.c'", email, email_placeholder},
    {"ipv4", "IPv4 address of the public net", "h = '93.184.216.34'", "h = '127.0.0.1 192.168.1.1 1.2.3.4 8.8.8.8 300.1.1.1'", ipv4, ipv4_placeholder},
    {"phone", "telephone number", "p = '+49 30 12345678'", "p = '2012-01-01 555-0100 +1 -2'", phone, phone_placeholder},
};

template <std::size_t... kIndices>
std::array<Detector, kKeyCount + std::size(kOthers)> table(std::index_sequence<kIndices...>) {
  std::array<Detector, kKeyCount + std::size(kOthers)> out{};
  std::size_t i = 0;
  // Private keys and tokens first: they may hold what looks like a key.
  for (const auto& other : kOthers)
    if (i < 3) out[i++] = other;
  ((out[i++] = Detector{key_patterns()[kIndices].name, key_patterns()[kIndices].description, kKeyExamples[kIndices], kKeyCounterExamples[kIndices],
                        service_key<kIndices>, key_placeholder}),
   ...);
  for (std::size_t k = 3; k < std::size(kOthers); ++k) out[i++] = kOthers[k];
  return out;
}

}  // namespace

std::span<const Detector> detectors() {
  static const auto kTable = table(std::make_index_sequence<kKeyCount>());
  return kTable;
}

}  // namespace mendel::cleaner
