// A heading is a short line that begins with a version, or with the package's name or a word and then a version.
#include "actors/miner/changelog.hpp"

#include <algorithm>
#include <optional>

namespace mendel::miner {
namespace {

constexpr std::size_t kHeadingBytesMax = 80;
constexpr std::size_t kEntryBytesMax = 400;
constexpr std::size_t kEntriesMax = 500;
constexpr std::size_t kWordBytesMin = 4;

bool is_word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string_view trimmed(std::string_view line) {
  while (!line.empty() && (line.front() == ' ' || line.front() == '\t')) line.remove_prefix(1);
  while (!line.empty() && (line.back() == ' ' || line.back() == '\t' || line.back() == '\r')) line.remove_suffix(1);
  return line;
}

// The version that a heading is about: its first run of digits and dots with at least one dot between.
std::optional<std::string_view> heading_version(std::string_view line) {
  if (line.empty() || line.size() > kHeadingBytesMax || line.front() == ' ' || line.front() == '\t') return std::nullopt;
  if (line.front() == '-' || line.front() == '+' || (line.front() == '*' && !line.starts_with("**"))) return std::nullopt;
  std::size_t words = 0;
  for (std::size_t i = 0; i < line.size();) {
    if (is_digit(line[i])) {
      const auto begin = i;
      while (i < line.size() && (is_digit(line[i]) || line[i] == '.')) ++i;
      auto version = line.substr(begin, i - begin);
      while (version.ends_with('.')) version.remove_suffix(1);
      return version.find('.') == std::string_view::npos ? std::nullopt : std::optional(version);
    }
    if (is_word(line[i])) {
      while (i < line.size() && is_word(line[i]) && !(line[i] == 'v' && i + 1 < line.size() && is_digit(line[i + 1]))) ++i;
      if (i < line.size() && line[i] == 'v') ++i;
      if (++words > 3) return std::nullopt;
    } else {
      ++i;
    }
  }
  return std::nullopt;
}

// Where the text of a bullet begins; nothing if the line opens none.
std::optional<std::size_t> bullet(std::string_view line) {
  const auto at = line.find_first_not_of(" \t");
  if (at == std::string_view::npos || at + 1 >= line.size() || (line[at + 1] != ' ' && line[at + 1] != '\t')) return std::nullopt;
  if (line[at] != '-' && line[at] != '*' && line[at] != '+') return std::nullopt;
  return at + 2;
}

void extend(std::string& entry, std::string_view text) {
  text = trimmed(text);
  if (entry.size() + text.size() + 1 > kEntryBytesMax || text.empty()) return;
  if (!entry.empty()) entry += ' ';
  entry += text;
}

bool names(std::string_view entry, std::string_view word) {
  if (word.size() < kWordBytesMin) return false;
  for (auto at = entry.find(word); at != std::string_view::npos; at = entry.find(word, at + 1)) {
    const bool begins = at == 0 || !is_word(entry[at - 1]), ends = at + word.size() == entry.size() || !is_word(entry[at + word.size()]);
    if (begins && ends) return true;
  }
  return false;
}

}  // namespace

std::vector<std::string> changelog_entries(std::string_view changelog, std::string_view version) {
  std::vector<std::string> out;
  bool inside = false, open = false;
  while (!changelog.empty() && out.size() < kEntriesMax) {
    const auto line = changelog.substr(0, changelog.find('\n'));
    changelog.remove_prefix(std::min(line.size() + 1, changelog.size()));
    if (const auto heading = heading_version(line)) {
      if (inside && *heading != version) break;
      inside = *heading == version;
      open = false;
      continue;
    }
    if (!inside) continue;
    if (const auto begin = bullet(line)) {
      out.emplace_back();
      extend(out.back(), line.substr(*begin));
      open = true;
    } else if (trimmed(line).empty()) {
      open = false;
    } else if (open) {
      extend(out.back(), line);
    }
  }
  return out;
}

std::string entry_about(std::span<const std::string> entries, std::string_view path, std::string_view symbol) {
  const auto dot = symbol.rfind('.');
  const auto function = symbol.substr(dot + 1);
  const auto around = dot == std::string_view::npos ? std::string_view() : symbol.substr(0, dot);
  const auto owner = around.substr(around.rfind('.') + 1);
  auto module = path.substr(path.rfind('/') + 1);
  if (module.ends_with(".py")) module.remove_suffix(3);
  const std::string* best = nullptr;
  int best_score = 0;
  for (const auto& entry : entries) {
    const int score = 4 * names(entry, function) + 2 * names(entry, owner) + names(entry, module);
    if (score > best_score) {
      best = &entry;
      best_score = score;
    }
  }
  if (best == nullptr && entries.size() == 1) best = &entries.front();
  return best == nullptr ? std::string() : *best;
}

}  // namespace mendel::miner
