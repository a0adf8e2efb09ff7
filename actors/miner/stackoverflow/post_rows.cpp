// A row that lies whole in a piece is parsed where it lies; one that is cut is gathered first.
#include "actors/miner/stackoverflow/post_rows.hpp"

#include <charconv>
#include <cstring>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace mendel::miner {
namespace {

constexpr std::string_view kNames[] = {"Id", "Body", "Tags", "Score", "Title", "ParentId", "PostTypeId", "AnswerCount", "OwnerUserId",
                                       "CreationDate", "DeletionDate", "ContentLicense", "AcceptedAnswerId", "OwnerDisplayName"};
static_assert(std::size(kNames) == static_cast<std::size_t>(Field::count));
constexpr std::size_t kLongestName = 16;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

// The first name of each length: kNames is ordered by length.
constexpr auto kFirstOfLength = [] {
  std::array<std::uint8_t, kLongestName + 2> first{};
  for (std::size_t length = 0; length < first.size(); ++length) {
    std::uint8_t i = 0;
    while (i < std::size(kNames) && kNames[i].size() < length) ++i;
    first[length] = i;
  }
  return first;
}();

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// The first of `quote` and '<' (no value may hold the latter), or `end`.
const char* find_value_end(const char* at, const char* end, char quote) {
#if defined(__SSE2__)
  const __m128i quotes = _mm_set1_epi8(quote), opening = _mm_set1_epi8('<');
  const auto hits = [&](const char* p) {
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    return _mm_or_si128(_mm_cmpeq_epi8(block, quotes), _mm_cmpeq_epi8(block, opening));
  };
  while (end - at >= 64) {
    const __m128i a = hits(at), b = hits(at + 16), c = hits(at + 32), d = hits(at + 48);
    if (_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(a, b), _mm_or_si128(c, d))) == 0) {
      at += 64;
      continue;
    }
    const auto mask = static_cast<std::uint64_t>(_mm_movemask_epi8(a)) | static_cast<std::uint64_t>(_mm_movemask_epi8(b)) << 16 |
                      static_cast<std::uint64_t>(_mm_movemask_epi8(c)) << 32 | static_cast<std::uint64_t>(_mm_movemask_epi8(d)) << 48;
    return at + __builtin_ctzll(mask);
  }
  for (; end - at >= 16; at += 16)
    if (const int mask = _mm_movemask_epi8(hits(at)); mask != 0) return at + __builtin_ctz(static_cast<unsigned>(mask));
#endif
  while (at < end && *at != quote && *at != '<') ++at;
  return at;
}

// The attributes behind "<row"; leaves `at` behind the tag. False if the tag does not end here or is malformed. It ends
// where PostScanner::end_of_tag says.
bool parse_attributes(const char*& at, const char* end, PostRow& row) {
  for (;;) {
    while (at < end && is_space(*at)) ++at;
    if (at < end && *at == '/') ++at;
    else if (at < end && *at != '>') {
      const char* name = at;
      while (at < end && *at != '=' && *at != '<' && *at != '>' && *at != '"' && *at != '\'' && !is_space(*at)) ++at;
      const std::string_view key(name, static_cast<std::size_t>(at - name));
      if (end - at < 2 || *at != '=' || (at[1] != '"' && at[1] != '\'')) return false;
      const char quote = at[1];
      const char* value = at + 2;
      at = find_value_end(value, end, quote);
      if (at == end || *at == '<') return false;
      if (key.size() <= kLongestName)
        for (std::size_t i = kFirstOfLength[key.size()]; i < kFirstOfLength[key.size() + 1]; ++i)
          if (kNames[i] == key) row.values[i] = {value, static_cast<std::size_t>(at - value)};
      ++at;
      continue;
    }
    return at < end && *at++ == '>';
  }
}

bool is_row(std::string_view tag) { return tag.size() >= 5 && tag.starts_with("<row") && is_space(tag[4]); }

Error refused(const std::string& what) { return {ErrorCode::invalid_input, what}; }

void append_utf8(std::uint32_t c, std::string& out) {
  const bool is_character = c != 0 && c < 0x110000 && (c < 0xD800 || c > 0xDFFF);
  if (!is_character) c = 0xFFFD;
  const auto put = [&](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (c < 0x80) return put(c);
  if (c < 0x800) return put(0xC0 | c >> 6), put(0x80 | (c & 63));
  if (c < 0x10000) return put(0xE0 | c >> 12), put(0x80 | (c >> 6 & 63)), put(0x80 | (c & 63));
  put(0xF0 | c >> 18), put(0x80 | (c >> 12 & 63)), put(0x80 | (c >> 6 & 63)), put(0x80 | (c & 63));
}

struct Entity {
  std::string_view name;
  char character;
};
constexpr Entity kEntities[] = {{"lt", '<'}, {"gt", '>'}, {"amp", '&'}, {"quot", '"'}, {"apos", '\''}};
constexpr std::size_t kEntityBytesMax = 10;  // "#x10FFFF" and some zeros

// Appends what the entity stands for; false if it is none that we know.
bool append_entity(std::string_view name, std::string& out) {
  for (const auto& entity : kEntities)
    if (entity.name == name) return out.push_back(entity.character), true;
  if (name.size() < 2 || name[0] != '#') return false;
  const bool hex = name[1] == 'x';
  name.remove_prefix(hex ? 2 : 1);
  std::uint32_t c = 0;
  const auto [stop, error] = std::from_chars(name.data(), name.data() + name.size(), c, hex ? 16 : 10);
  if (name.empty() || stop != name.data() + name.size() || error == std::errc::invalid_argument) return false;
  return append_utf8(error == std::errc() ? c : 0, out), true;
}

}  // namespace

void append_decoded(std::string_view raw, std::string& out) {
  out.reserve(out.size() + raw.size());
  while (!raw.empty()) {
    const auto at = raw.find('&');
    out.append(raw.substr(0, at));
    if (at == std::string_view::npos) return;
    raw.remove_prefix(at + 1);
    const auto end = raw.substr(0, kEntityBytesMax + 1).find(';');
    if (end != std::string_view::npos && append_entity(raw.substr(0, end), out)) raw.remove_prefix(end + 1);
    else out.push_back('&');
  }
}

std::uint32_t number_of(std::string_view digits) {
  std::uint32_t n = 0;
  const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), n);
  return error == std::errc() && stop == digits.data() + digits.size() ? n : 0;
}

// A row that lies whole at `at`, which then stands behind it. False if there is none.
bool PostScanner::take_row(const char*& at, const char* end, const Sink& sink) {
  if (!is_row({at, end})) return false;
  const char* stop = at + 4;
  PostRow row;
  if (!parse_attributes(stop, end, row) || static_cast<std::size_t>(stop - at) > row_bytes_max_) return false;
  ++rows_;
  sink(row);
  at = stop;
  return true;
}

// `tag` goes from its '<' to where end_of_tag says.
Outcome PostScanner::take_tag(std::string_view tag, const Sink& sink) {
  if (tag.starts_with("<!")) return refused("holds a document type, an entity or a comment (\"<!\"): refused, a dump has none");
  if (tag.size() > row_bytes_max_) return ++too_large_, ++rows_, Done{};
  const char* at = tag.data();
  if (take_row(at, at + tag.size(), sink)) return Done{};
  if (is_row(tag) || tag.back() != '>') return ++malformed_, ++rows_, Done{};  // or broken off by the next '<'
  tag.remove_suffix(1);
  const bool instruction = tag.starts_with("<?");
  if (instruction && (seen_tag_ || !tag.starts_with("<?xml") || tag.size() < 6 || !is_space(tag[5]))) return refused("holds a processing instruction: refused, a dump has none");
  if (!seen_tag_ && !instruction && !tag.starts_with("</") && !tag.starts_with("<posts") && !tag.starts_with("<row"))
    return refused("is no dump of posts: it begins with <" + std::string(tag.substr(1, 32)) + ">, not <posts>");
  seen_tag_ = seen_tag_ || !instruction;
  return Done{};
}

Outcome PostScanner::scan(std::string_view bytes, const Sink& sink) {
  const char *at = bytes.data(), *end = at + bytes.size();
  while (at < end) {
    at = static_cast<const char*>(std::memchr(at, '<', static_cast<std::size_t>(end - at)));
    if (at == nullptr) return Done{};
    if (take_row(at, end, sink)) continue;
    const char* stop = end_of_tag(at + 1, end);
    if (stop == nullptr) {
      unfinished_.open = true;
      return keep({at, end});
    }
    unfinished_ = {};
    if (auto taken = take_tag({at, stop}, sink); !taken) return taken;
    at = stop;
  }
  return Done{};
}

// Behind '>', or at the '<' that breaks the tag off; null if it goes on in the next piece. `at` is inside of it.
const char* PostScanner::end_of_tag(const char* at, const char* end) {
  while (at < end) {
    if (unfinished_.quote != '\0') {
      at = find_value_end(at, end, unfinished_.quote);
      if (at == end) return nullptr;
      if (*at == '<') return at;
      unfinished_.quote = '\0';
      ++at;
      continue;
    }
    if (*at == '>') return at + 1;
    if (*at == '<') return at;
    if (*at == '"' || *at == '\'') unfinished_.quote = *at;
    ++at;
  }
  return nullptr;
}

// What there is of a tag that is cut.
Outcome PostScanner::keep(std::string_view bytes) {
  if (unfinished_.dropped) return Done{};
  kept_.append(bytes);
  if (kept_.starts_with("<!")) return take_tag(kept_, {});
  if (kept_.size() > row_bytes_max_) unfinished_.dropped = true, kept_.clear();
  return Done{};
}

// False as long as there are blanks alone.
Result<bool> PostScanner::check_start() {
  std::string_view bytes = start_;
  if (bytes.starts_with("\xFF\xFE") || bytes.starts_with("\xFE\xFF")) return refused("is UTF-16; dumps are UTF-8");
  if (bytes.starts_with(kByteOrderMark)) bytes.remove_prefix(kByteOrderMark.size());
  const auto first = bytes.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return start_.resize(kByteOrderMark.size()), false;
  if (bytes[first] != '<') return refused("is no XML: it does not begin with '<'");
  return true;
}

Outcome PostScanner::feed(std::string_view bytes, const Sink& sink) {
  if (started_) return go_on(bytes, sink);
  start_.append(bytes);
  if (start_.size() < kByteOrderMark.size()) return Done{};
  const auto begins = check_start();
  if (!begins) return begins.error();
  started_ = *begins;
  return started_ ? go_on(std::exchange(start_, {}), sink) : Done{};
}

Outcome PostScanner::go_on(std::string_view bytes, const Sink& sink) {
  if (unfinished_.open) {
    const char* stop = end_of_tag(bytes.data(), bytes.data() + bytes.size());
    const auto size = stop == nullptr ? bytes.size() : static_cast<std::size_t>(stop - bytes.data());
    if (auto kept = keep(bytes.substr(0, size)); !kept || stop == nullptr) return kept;
    bytes.remove_prefix(size);
    const auto tag = std::exchange(kept_, {});
    if (std::exchange(unfinished_, {}).dropped) ++too_large_, ++rows_;
    else if (auto taken = take_tag(tag, sink); !taken) return taken;
  }
  return scan(bytes, sink);
}

Outcome PostScanner::finish() const {
  if (!seen_tag_ && rows_ == 0 && !unfinished_.open) return Error{ErrorCode::invalid_input, "is no dump of posts: no element in it"};
  if (unfinished_.open) return Error{ErrorCode::corrupt, "ends inside an element: the dump is cut short"};
  return Done{};
}

}  // namespace mendel::miner
