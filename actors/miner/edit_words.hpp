// Questions about the edits of a function, for the rows that tell its type of bug.
#pragma once

#include <algorithm>
#include <array>
#include <initializer_list>
#include <span>
#include <string_view>
#include <vector>

#include "actors/miner/edit_type.hpp"
#include "actors/syntax/tokens.hpp"

namespace mendel::miner {

using Words = std::span<const std::string_view>;
using Run = std::initializer_list<std::string_view>;
using AllEdits = std::span<const TokenEdit>;

inline constexpr std::string_view kComparisons[] = {"==", "!=", "<", ">", "<=", ">="};

inline bool in(std::string_view word, Words words) { return std::find(words.begin(), words.end(), word) != words.end(); }
inline bool in(std::string_view word, Run words) { return std::find(words.begin(), words.end(), word) != words.end(); }
inline bool holds(const std::vector<std::string_view>& words, std::string_view word) { return in(word, words); }
inline bool holds(const std::vector<std::string_view>& words, Run run) { return std::search(words.begin(), words.end(), run.begin(), run.end()) != words.end(); }
inline bool are(const std::vector<std::string_view>& words, Run run) { return std::equal(words.begin(), words.end(), run.begin(), run.end()); }

inline bool single(AllEdits edits, std::size_t removed, std::size_t added) {
  return edits.size() == 1 && edits[0].removed.size() == removed && edits[0].added.size() == added;
}
inline bool only_one_adds(AllEdits edits) { return edits.size() == 1 && edits[0].removed.empty() && !edits[0].added.empty(); }
inline bool only_one_removes(AllEdits edits) { return edits.size() == 1 && edits[0].added.empty() && !edits[0].removed.empty(); }

// One edit exchanges exactly these.
inline bool exchanges(AllEdits edits, Run removed, Run added) { return edits.size() == 1 && are(edits[0].removed, removed) && are(edits[0].added, added); }

inline bool is_name(std::string_view word) {
  const auto c = word.empty() ? '\0' : word[0];
  return ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_') && word.find_first_of("'\"") == std::string_view::npos &&
         !syntax::is_keyword(word);
}
inline bool is_string(std::string_view word) { return word.find_first_of("'\"") != std::string_view::npos; }
inline bool is_number(std::string_view word) { return !word.empty() && word[0] >= '0' && word[0] <= '9'; }

// All edits only add words of these.
inline bool only_adds(AllEdits edits, Run words) {
  return !edits.empty() && std::all_of(edits.begin(), edits.end(), [&](const TokenEdit& edit) {
    return edit.removed.empty() && !edit.added.empty() && std::all_of(edit.added.begin(), edit.added.end(), [&](auto w) { return in(w, words); });
  });
}
inline bool only_removes(AllEdits edits, Run words) {
  return !edits.empty() && std::all_of(edits.begin(), edits.end(), [&](const TokenEdit& edit) {
    return edit.added.empty() && !edit.removed.empty() && std::all_of(edit.removed.begin(), edit.removed.end(), [&](auto w) { return in(w, words); });
  });
}

inline bool adds_any(AllEdits edits, Run run) {
  return std::any_of(edits.begin(), edits.end(), [&](const TokenEdit& edit) { return holds(edit.added, run); });
}
inline bool removes_any(AllEdits edits, Run run) {
  return std::any_of(edits.begin(), edits.end(), [&](const TokenEdit& edit) { return holds(edit.removed, run); });
}
inline bool adds_one_of(AllEdits edits, Run words) {
  return std::any_of(words.begin(), words.end(), [&](auto word) { return adds_any(edits, {word}); });
}
inline bool removes_one_of(AllEdits edits, Run words) {
  return std::any_of(words.begin(), words.end(), [&](auto word) { return removes_any(edits, {word}); });
}

// Words that all edits together take away, or put in, sorted.
inline std::vector<std::string_view> all_removed(AllEdits edits) {
  std::vector<std::string_view> out;
  for (const auto& edit : edits) out.insert(out.end(), edit.removed.begin(), edit.removed.end());
  std::sort(out.begin(), out.end());
  return out;
}
inline std::vector<std::string_view> all_added(AllEdits edits) {
  std::vector<std::string_view> out;
  for (const auto& edit : edits) out.insert(out.end(), edit.added.begin(), edit.added.end());
  std::sort(out.begin(), out.end());
  return out;
}

// Do the words make "x = x…" of "x…"? The difference may begin at either x.
inline bool assigns_itself(const TokenEdit& edit, const std::vector<std::string_view>& words) {
  return words.size() == 2 && ((words[1] == "=" && words[0] == edit.after) || (words[0] == "=" && words[1] == edit.before));
}

// The same words stand elsewhere.
inline bool moves(AllEdits edits) {
  constexpr std::size_t kWordsMax = 40;
  const auto words = all_removed(edits);
  return !words.empty() && words.size() <= kWordsMax && words == all_added(edits);
}
inline bool moves_any(AllEdits edits, Run words) {
  if (!moves(edits)) return false;
  const auto moved = all_removed(edits);
  return std::any_of(words.begin(), words.end(), [&](auto word) { return holds(moved, word); });
}

std::span<const EditType> syntax_edit_types();
std::span<const EditType> practice_edit_types();  // security, async, framework and style

}  // namespace mendel::miner
