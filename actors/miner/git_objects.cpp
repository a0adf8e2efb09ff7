// Parsers that take lines and entries off the front of a view; nothing is copied but author and message,
// and damage answers nothing.
#include "actors/miner/git_objects.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "actors/syntax/source_text.hpp"

namespace mendel::miner {
namespace {

constexpr std::size_t kIdBytes = 20, kIdDigits = 40;
constexpr std::size_t kAuthorBytesMax = 256;

int digit(char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; }

// Takes "WORD rest\n" off the front of `text`; nothing if it starts otherwise.
std::optional<std::string_view> take_header(std::string_view& text, std::string_view word) {
  if (!text.starts_with(word) || text.size() <= word.size() || text[word.size()] != ' ') return std::nullopt;
  const auto end = text.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  const auto value = text.substr(word.size() + 1, end - word.size() - 1);
  text.remove_prefix(end + 1);
  return value;
}

// "Name <mail> 1700000000 +0100"
std::int64_t time_of(std::string_view person) {
  const auto close = person.rfind('>');
  if (close == std::string_view::npos || close + 2 > person.size()) return 0;
  std::int64_t time = 0;
  const auto digits = person.substr(close + 2);
  std::from_chars(digits.data(), digits.data() + digits.size(), time);
  return time;
}

std::string name_of(std::string_view person) {
  auto name = person.substr(0, person.find('<'));
  while (name.ends_with(' ')) name.remove_suffix(1);
  std::string out;
  while (!name.empty() && out.size() < kAuthorBytesMax) {
    const auto n = syntax::utf8_length(name);
    if (n == 0) {
      out += "\xEF\xBF\xBD";
    } else if (n > 1 || static_cast<unsigned char>(name[0]) >= 0x20) {
      out.append(name.substr(0, n));
    }
    name.remove_prefix(std::max<std::size_t>(n, 1));
  }
  return out;
}

bool take_parents(std::string_view& text, std::vector<ObjectId>& out) {
  while (text.starts_with("parent ")) {
    const auto line = take_header(text, "parent");
    const auto id = line ? ObjectId::from_hex(*line) : std::nullopt;
    if (!id) return false;
    out.push_back(*id);
  }
  return true;
}

// What follows the headers. Others than those above (gpgsig, encoding) end at the first empty line.
std::string_view message_of(std::string_view rest) {
  if (rest.starts_with('\n')) return rest.substr(1);
  const auto blank = rest.find("\n\n");
  return blank == std::string_view::npos ? std::string_view() : rest.substr(blank + 2);
}

}  // namespace

std::string ObjectId::hex() const {
  std::string out;
  out.reserve(kIdDigits);
  for (const auto b : bytes) {
    out.push_back("0123456789abcdef"[b >> 4]);
    out.push_back("0123456789abcdef"[b & 15]);
  }
  return out;
}

std::optional<ObjectId> ObjectId::from_hex(std::string_view text) {
  if (text.size() != kIdDigits) return std::nullopt;
  ObjectId id;
  for (std::size_t i = 0; i < kIdBytes; ++i) {
    const int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    id.bytes[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  return id;
}

std::optional<CommitLinks> parse_links(std::string_view object) {
  CommitLinks out;
  const auto tree_line = take_header(object, "tree");
  const auto tree = tree_line ? ObjectId::from_hex(*tree_line) : std::nullopt;
  if (!tree || !take_parents(object, out.parents)) return std::nullopt;
  out.tree = *tree;
  take_header(object, "author");
  if (const auto person = take_header(object, "committer")) out.time_s = time_of(*person);
  out.message = message_of(object);
  return out;
}

std::optional<Commit> parse_commit(std::string_view object) {
  Commit out;
  const auto tree_line = take_header(object, "tree");
  const auto tree = tree_line ? ObjectId::from_hex(*tree_line) : std::nullopt;
  if (!tree || !take_parents(object, out.parents)) return std::nullopt;
  out.tree = *tree;
  if (const auto person = take_header(object, "author")) out.author = name_of(*person);
  if (const auto person = take_header(object, "committer")) out.time_s = time_of(*person);
  out.message = message_of(object);
  return out;
}

std::optional<TreeEntry> TreeReader::next() {
  if (rest_.empty()) return std::nullopt;
  corrupt_ = true;
  TreeEntry entry;
  const auto space = rest_.find(' ');
  if (space == std::string_view::npos || space == 0 || space > 7) return std::nullopt;
  const auto mode = rest_.substr(0, space);
  if (std::from_chars(mode.data(), mode.data() + mode.size(), entry.mode, 8).ptr != mode.data() + mode.size()) return std::nullopt;
  const auto end = rest_.find('\0', space);
  if (end == std::string_view::npos || rest_.size() - end - 1 < kIdBytes || end == space + 1) return std::nullopt;
  entry.name = rest_.substr(space + 1, end - space - 1);
  std::memcpy(entry.id.bytes.data(), rest_.data() + end + 1, kIdBytes);
  rest_.remove_prefix(end + 1 + kIdBytes);
  corrupt_ = false;
  return entry;
}

int compare_entries(const TreeEntry& a, const TreeEntry& b) {
  const auto shared = std::min(a.name.size(), b.name.size());
  if (const int order = std::memcmp(a.name.data(), b.name.data(), shared); order != 0) return order;
  const auto after = [shared](const TreeEntry& e) {
    return e.name.size() > shared ? static_cast<unsigned char>(e.name[shared]) : static_cast<unsigned char>(e.is_folder() ? '/' : 0);
  };
  return after(a) - after(b);
}

}  // namespace mendel::miner
