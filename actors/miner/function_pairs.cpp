// Reasons: not_text, too_many_lines, blank_lines_only, parser_gave_up, outside_functions,
// too_many_functions, fixed_does_not_parse, not_cuttable, comments_only, documentation_only,
// message_text_only, same_program.
#include "actors/miner/function_pairs.hpp"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <map>
#include <optional>
#include <set>
#include <span>

#include "actors/miner/annotations.hpp"
#include "actors/miner/excerpt.hpp"
#include "actors/syntax/source_text.hpp"
#include "actors/syntax/tokens.hpp"

namespace mendel::miner {
namespace {

using syntax::Function;
using syntax::Hunk;

struct Lines {
  std::vector<std::string_view> lines;

  explicit Lines(std::string_view text) {
    while (!text.empty()) {
      const auto end = text.find('\n');
      lines.push_back(text.substr(0, end));
      text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
  }
  bool blank(std::uint32_t i) const {
    return i >= lines.size() || lines[i].find_first_not_of(" \t\r\f\v") == std::string_view::npos;
  }
  // Takes blank lines off both ends of [begin, end).
  void trim(std::uint32_t& begin, std::uint32_t& end) const {
    while (begin < end && blank(begin)) ++begin;
    while (begin < end && blank(end - 1)) --end;
  }
};

std::vector<Hunk> changes_without_blanks(std::string_view before, std::string_view after, std::uint32_t changes_max) {
  const Lines a(before), b(after);
  std::vector<Hunk> out;
  for (auto hunk : syntax::line_difference(before, after, changes_max)) {
    a.trim(hunk.before_begin, hunk.before_end);
    b.trim(hunk.after_begin, hunk.after_end);
    if (hunk.before_begin < hunk.before_end || hunk.after_begin < hunk.after_end) out.push_back(hunk);
  }
  return out;
}

// One side: its functions, and which is the n-th of its symbol.
struct Side {
  std::vector<Function> functions;
  std::vector<std::size_t> ordinal;
  std::map<std::string, std::vector<std::size_t>> by_symbol;

  explicit Side(std::vector<Function> found) : functions(std::move(found)) {
    for (std::size_t i = 0; i < functions.size(); ++i) {
      auto& same = by_symbol[functions[i].symbol];
      ordinal.push_back(same.size());
      same.push_back(i);
    }
  }
};

// Where a line of the newer version, or the place in front of it, stands in the older one.
std::uint32_t line_before(std::span<const Hunk> hunks, std::uint32_t line) {
  std::int64_t shift = 0;
  for (const auto& hunk : hunks) {
    if (line < hunk.after_begin) break;
    if (line < hunk.after_end) return std::min(hunk.before_begin + (line - hunk.after_begin), hunk.before_end);
    shift = std::int64_t{hunk.before_end} - hunk.after_end;
  }
  return static_cast<std::uint32_t>(line + shift);
}

bool defines(std::string_view text, std::string_view symbol) {
  const auto dot = symbol.rfind('.');
  const auto definition = "def " + std::string(symbol.substr(dot == std::string_view::npos ? 0 : dot + 1));
  const auto at = text.find(definition);
  if (at == std::string_view::npos) return false;
  const auto rest = text.substr(at + definition.size());
  return rest.empty() || (std::isalnum(static_cast<unsigned char>(rest[0])) == 0 && rest[0] != '_');
}

// Of code that does not parse the tree ends functions too early, or knows none: there they reach as far as their
// lines do in the newer version.
std::vector<Function> functions_before(std::string_view before, const syntax::Tree& new_tree) {
  const Lines lines(before);
  const auto hunks = syntax::line_difference(before, new_tree.text());
  std::vector<std::uint32_t> starts{0};
  for (const auto line : lines.lines) starts.push_back(starts.back() + static_cast<std::uint32_t>(line.size()) + 1);
  std::vector<Function> out;
  for (auto function : syntax::functions(new_tree)) {
    auto begin = line_before(hunks, function.line_begin), end = std::min<std::uint32_t>(line_before(hunks, function.line_end), static_cast<std::uint32_t>(lines.lines.size()));
    lines.trim(begin, end);
    if (begin >= end) continue;
    const auto indent = static_cast<std::uint32_t>(lines.lines[begin].find_first_not_of(" \t"));
    function.bytes = {starts[begin] + indent, starts[end] - (lines.lines[end - 1].ends_with('\r') ? 2 : 1)};
    function.definition = function.bytes;
    function.line_begin = begin;
    function.line_end = end;
    if (defines(before.substr(function.bytes.begin, function.bytes.size()), function.symbol)) out.push_back(std::move(function));
  }
  return out;
}

Side side_before(const syntax::Tree& old_tree, const syntax::Tree& new_tree) {
  return Side(old_tree.has_error() ? functions_before(old_tree.text(), new_tree) : syntax::functions(old_tree));
}

// An empty range is a place between lines; at the edge of a function it may belong to it.
bool contains(const Function& function, std::uint32_t begin, std::uint32_t end) {
  return function.line_begin <= begin && end <= function.line_end;
}

std::optional<std::size_t> counterpart(const Side& from, std::size_t i, const Side& to) {
  const auto here = from.by_symbol.find(from.functions[i].symbol);
  const auto there = to.by_symbol.find(from.functions[i].symbol);
  if (there == to.by_symbol.end() || there->second.size() != here->second.size()) return std::nullopt;
  return there->second[from.ordinal[i]];
}

// The innermost function that holds the hunk on both sides: (before, after).
std::optional<std::pair<std::size_t, std::size_t>> holder(const Side& before, const Side& after, const Hunk& hunk) {
  for (std::size_t k = before.functions.size(); k-- > 0;) {
    if (!contains(before.functions[k], hunk.before_begin, hunk.before_end)) continue;
    const auto other = counterpart(before, k, after);
    if (other && contains(after.functions[*other], hunk.after_begin, hunk.after_end)) return std::pair{k, *other};
  }
  return std::nullopt;
}

// Leaves out functions inside other changed functions: the outer text holds the inner change.
void drop_inner(std::map<std::size_t, std::size_t>& chosen, const std::vector<Function>& functions) {
  std::uint32_t end = 0;
  for (auto at = chosen.begin(); at != chosen.end();) {
    if (functions[at->first].bytes.begin < end) {
      at = chosen.erase(at);
    } else {
      end = functions[at->first].bytes.end;
      ++at;
    }
  }
}

// The words of a message to people: a string with spaces, without what a formatter fills in.
bool is_prose(std::string_view token) {
  const bool string = !token.empty() && (token.back() == '"' || token.back() == '\'');
  return string && std::count(token.begin(), token.end(), ' ') >= 2;
}

// What a formatter fills in: from each '{' or '%' to the end of its word.
std::string placeholders(std::string_view token) {
  std::string out;
  for (auto at = token.find_first_of("{%"); at != std::string_view::npos; at = token.find_first_of("{%", at + 1)) {
    const auto end = std::min(token.find_first_of("} \"'", at), token.size());
    out.append(token.substr(at, end - at)).push_back(' ');
  }
  return out;
}

// Only such words are exchanged (a trailing comma beside them does not count): nothing that runs was wrong.
bool message_text_only(const Edits& edits) {
  const auto comma = [](const TokenEdit& e) { return e.removed.size() + e.added.size() == 1 && (e.removed.empty() ? e.added : e.removed)[0] == ","; };
  const auto words = [](TokenEdit e) {
    for (auto* side : {&e.removed, &e.added})
      if (side->size() == 2 && side->back() == ",") side->pop_back();
    return e.removed.size() == 1 && e.added.size() == 1 && is_prose(e.removed[0]) && is_prose(e.added[0]) && placeholders(e.removed[0]) == placeholders(e.added[0]);
  };
  return std::any_of(edits.tokens.begin(), edits.tokens.end(), words) &&
         std::all_of(edits.tokens.begin(), edits.tokens.end(), [&](const TokenEdit& e) { return words(e) || comma(e); });
}

const char* add_pair(syntax::Parser& parser, const syntax::Tree& before, const Function& old_function, const syntax::Tree& after,
                     const Function& new_function, std::vector<FunctionPair>& out) {
  if (new_function.has_error) return "fixed_does_not_parse";
  auto old_cut = syntax::cut_function(before, old_function);
  auto new_cut = syntax::cut_function(after, new_function);
  if (!old_cut || !new_cut) return "not_cuttable";
  const auto edits = edits_between(old_cut->text, new_cut->text);
  bool parses = true;
  if (before.has_error()) {
    const auto alone = parser.parse(old_cut->text);
    parses = alone && !alone->has_error();
  }
  if (edits.tokens.empty() && !edits.blocks && parses) return "comments_only";
  if (edits.documentation_only) return "documentation_only";
  if (message_text_only(edits)) return "message_text_only";
  if (parses && what_runs(old_cut->text) == what_runs(new_cut->text)) return "same_program";
  auto bug = diagnose(edits, parses);
  out.push_back({std::move(old_cut->text), std::move(new_cut->text), old_function.symbol, std::move(bug)});
  return "";
}

FilePairs refuse(FilePairs out, const char* reason, std::string detail = {}) {
  out.reason = reason;
  out.detail = std::move(detail);
  return out;
}

}  // namespace

FilePairs function_pairs(syntax::Parser& parser, std::string_view before, std::string_view after, PairLimits limits) {
  FilePairs out;
  if (!is_text(before) || !is_text(after)) return refuse(out, "not_text", "bad UTF-8 or a NUL byte");
  auto hunks = changes_without_blanks(before, after, limits.changed_lines_max + 1);
  std::uint64_t lines = 0;
  for (const auto& hunk : hunks) lines += hunk.before_end - hunk.before_begin + hunk.after_end - hunk.after_begin;
  if (lines > limits.changed_lines_max) return refuse(out, "too_many_lines");
  out.small = true;
  if (hunks.empty()) return refuse(out, "blank_lines_only");

  const auto excerpt = excerpt_around(before, after, hunks);
  const auto old_tree = parser.parse(excerpt.before);
  if (!old_tree) return refuse(out, "parser_gave_up", old_tree.error().what);
  const auto new_tree = parser.parse(excerpt.after, *old_tree);
  if (!new_tree) return refuse(out, "parser_gave_up", new_tree.error().what);
  const Side old_side = side_before(*old_tree, *new_tree), new_side(syntax::functions(*new_tree));
  std::map<std::size_t, std::size_t> chosen;
  for (auto& hunk : hunks) {
    for (auto* line : {&hunk.before_begin, &hunk.before_end, &hunk.after_begin, &hunk.after_end}) *line -= excerpt.lines_gone;
    const auto found = holder(old_side, new_side, hunk);
    if (!found) return refuse(out, "outside_functions", "line " + std::to_string(hunk.after_begin + excerpt.lines_gone + 1));
    chosen.insert(*found);
  }
  out.inside_functions = true;
  drop_inner(chosen, old_side.functions);
  if (chosen.size() > limits.functions_max) return refuse(out, "too_many_functions", std::to_string(chosen.size()) + " functions changed");
  const char* reason = "";
  for (const auto& [old_index, new_index] : chosen) {
    const char* refused = add_pair(parser, *old_tree, old_side.functions[old_index], *new_tree, new_side.functions[new_index], out.pairs);
    if (*refused != '\0') reason = refused;
  }
  if (out.pairs.empty()) out.reason = reason;
  return out;
}

FunctionChanges function_changes(syntax::Parser& parser, std::string_view before, std::string_view after, std::uint32_t changed_lines_max) {
  constexpr std::uint32_t kFileChangesMax = 4000;
  FunctionChanges out;
  if (!is_text(before) || !is_text(after)) return out;
  const auto hunks = changes_without_blanks(before, after, kFileChangesMax);
  if (hunks.empty()) return out;
  const auto old_tree = parser.parse(before), new_tree = parser.parse(after);
  if (!old_tree || !new_tree) return out;
  const Side old_side = side_before(*old_tree, *new_tree), new_side(syntax::functions(*new_tree));
  std::map<std::size_t, std::size_t> chosen;
  std::map<std::size_t, std::uint64_t> lines;
  for (const auto& hunk : hunks) {
    const auto found = holder(old_side, new_side, hunk);
    if (!found) continue;
    chosen.insert(*found);
    lines[found->first] += hunk.before_end - hunk.before_begin + hunk.after_end - hunk.after_begin;
  }
  drop_inner(chosen, old_side.functions);
  out.changed = static_cast<std::uint32_t>(chosen.size());
  for (const auto& [old_index, new_index] : chosen) {
    const char* reason = "too_many_lines";
    if (lines[old_index] <= changed_lines_max)
      reason = add_pair(parser, *old_tree, old_side.functions[old_index], *new_tree, new_side.functions[new_index], out.pairs);
    if (*reason != '\0') out.refused.push_back(reason);
  }
  return out;
}

bool is_text(std::string_view bytes) {
  constexpr std::uint64_t kHighBits = 0x8080808080808080, kOnes = 0x0101010101010101;
  while (!bytes.empty()) {
    // Eight bytes of ASCII without a zero at once: subtracting one from each sets no high bit.
    for (std::uint64_t word; bytes.size() >= sizeof word; bytes.remove_prefix(sizeof word)) {
      std::memcpy(&word, bytes.data(), sizeof word);
      if (((word | (word - kOnes)) & kHighBits) != 0) break;
    }
    if (bytes.empty()) break;
    const auto n = syntax::utf8_length(bytes);
    if (n == 0 || bytes[0] == '\0') return false;
    bytes.remove_prefix(n);
  }
  return true;
}

}  // namespace mendel::miner
