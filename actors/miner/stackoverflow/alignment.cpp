// Pieces of both posts, each with its tokens as sorted hashes, so that an overlap is one merge.
#include "actors/miner/stackoverflow/alignment.hpp"

#include <algorithm>
#include <set>
#include <span>

#include "actors/syntax/tokens.hpp"
#include "proto/ids.hpp"

namespace mendel::miner {
namespace {

constexpr std::size_t kPiecesMax = 200;  // of one post
constexpr std::uint32_t kTrimmedMax = 400;  // changed lines between two blocks that are still looked for

// Code that can be one side of a pair.
struct Piece {
  std::string text;
  std::string symbol;
  std::uint32_t block = 0;
  std::uint32_t lines = 1;
  bool has_error = false;
  std::vector<std::uint64_t> words;  // hashes of its tokens, ascending
};

std::vector<std::uint64_t> words_of(std::string_view text) {
  std::vector<std::uint64_t> out;
  for (const auto& token : syntax::tokens(text))
    if (token.kind != syntax::TokenKind::comment && token.kind != syntax::TokenKind::newline)
      out.push_back(hash64(text.substr(token.bytes.begin, token.bytes.size())));
  std::sort(out.begin(), out.end());
  return out;
}

std::size_t common_words(const std::vector<std::uint64_t>& a, const std::vector<std::uint64_t>& b) {
  std::size_t common = 0;
  for (auto i = a.begin(), k = b.begin(); i != a.end() && k != b.end();) {
    if (*i == *k) ++common, ++i, ++k;
    else if (*i < *k) ++i;
    else ++k;
  }
  return common;
}

double overlap(const std::vector<std::uint64_t>& a, const std::vector<std::uint64_t>& b) {
  if (a.empty() || b.empty()) return 0;
  return 2.0 * static_cast<double>(common_words(a, b)) / static_cast<double>(a.size() + b.size());
}

Piece piece(std::string text, std::string symbol, std::uint32_t block, bool has_error) {
  Piece out;
  out.lines = 1 + static_cast<std::uint32_t>(std::count(text.begin(), text.end(), '\n'));
  out.words = words_of(text);
  out.text = std::move(text);
  out.symbol = std::move(symbol);
  out.block = block;
  out.has_error = has_error;
  return out;
}

std::string_view lines_between(std::string_view text, std::uint32_t first, std::uint32_t last) {
  std::size_t begin = 0, end = 0;
  for (std::uint32_t line = 0; line < last && end != std::string_view::npos; ++line) {
    if (line == first) begin = end;
    end = text.find('\n', end);
    if (end != std::string_view::npos) ++end;
  }
  return text.substr(begin, end == std::string_view::npos ? end : end - 1 - begin);
}

// Every line without its indentation: a part may be shown further left than it was.
std::string flush_left(std::string_view text) {
  std::string out;
  bool starts = true;
  for (const char c : text) {
    starts = starts && (c == ' ' || c == '\t');
    if (!starts) out.push_back(c);
    if (c == '\n') starts = true;
  }
  return out;
}

struct Pieces {
  std::vector<Piece> blocks, functions;
};

Pieces cut(syntax::Parser& parser, const std::vector<Snippet>& snippets) {
  Pieces out;
  std::uint32_t number = 0;
  for (const auto& snippet : snippets) {
    if (snippet.text.empty() || out.functions.size() > kPiecesMax) continue;
    const auto tree = parser.parse(snippet.text);
    if (!tree) continue;
    for (const auto& function : syntax::functions(*tree))
      if (auto text = function.depth == 0 ? syntax::cut_function(*tree, function) : std::nullopt)
        out.functions.push_back(piece(std::move(text->text), function.symbol, number, function.has_error));
    out.blocks.push_back(piece(snippet.text, "", number++, tree->has_error()));
  }
  return out;
}

// The lines of the question's block from the first to the last that the answer has too: answers show the part
// that matters. Nothing to cut off, or the rest is no code any more: the block as it is.
Piece part_shown(syntax::Parser& parser, const Piece& asked, const Piece& answered) {
  const auto hunks = syntax::line_difference(flush_left(asked.text), flush_left(answered.text), kTrimmedMax);
  if (hunks.empty()) return asked;
  const auto &head = hunks.front(), &tail = hunks.back();
  if (head.before_begin == 0 && head.before_end == asked.lines) return asked;
  // A line that was exchanged at the edge stands next to what both have.
  const auto surplus = [](const syntax::Hunk& hunk) {
    const auto asks = hunk.before_end - hunk.before_begin, answers = hunk.after_end - hunk.after_begin;
    return asks > answers ? asks - answers : 0;
  };
  const std::uint32_t first = head.before_begin == 0 ? surplus(head) : 0;
  const std::uint32_t last = tail.before_end == asked.lines ? asked.lines - surplus(tail) : asked.lines;
  if ((first == 0 && last == asked.lines) || first >= last) return asked;
  auto text = dedented(lines_between(asked.text, first, last));
  const auto tree = parser.parse(text);
  if (!tree || (tree->has_error() && !asked.has_error)) return asked;
  const bool has_error = tree->has_error();
  return piece(std::move(text), "", asked.block, has_error);
}

// Whether any part of `asked` can share `share` with `answered`: the best one holds what both have and nothing else.
bool may_reach(double share, const Piece& asked, const Piece& answered) {
  const auto common = static_cast<double>(common_words(asked.words, answered.words));
  return common > 0 && 2 * common >= share * (common + static_cast<double>(answered.words.size()));
}

std::size_t drop_broken(std::vector<Piece>& pieces) {
  return std::erase_if(pieces, [](const Piece& piece) { return piece.has_error; });
}

std::string_view last_name(std::string_view symbol) { return symbol.substr(symbol.rfind('.') + 1); }

// The candidate that shares most with `fixed`, the first of equals; null if none shares anything.
const Piece* best_of(std::span<const Piece> candidates, const Piece& fixed, bool by_name, double& share) {
  const Piece* best = nullptr;
  share = 0;
  for (const auto& candidate : candidates) {
    if (by_name && last_name(candidate.symbol) != last_name(fixed.symbol)) continue;
    const double found = overlap(candidate.words, fixed.words);
    if (found > share) best = &candidate, share = found;
  }
  return best;
}

// Empty if the two are a pair.
const char* add_pair(const Piece& buggy, const Piece& fixed, const Stackoverflow& settings, Alignment& out) {
  if (buggy.text == fixed.text) return "same_code";
  if (std::max(buggy.lines, fixed.lines) > settings.lines_max()) return "too_long";
  std::uint32_t lines = 0;
  for (const auto& hunk : syntax::line_difference(buggy.text, fixed.text, settings.changed_lines_max() + 1))
    lines += hunk.before_end - hunk.before_begin + hunk.after_end - hunk.after_begin;
  if (lines > settings.changed_lines_max()) return "too_many_lines";
  const auto edits = edits_between(buggy.text, fixed.text);
  if (edits.tokens.empty() && !edits.blocks && !buggy.has_error) return "comments_only";
  if (edits.documentation_only) return "documentation_only";
  out.pairs.push_back({buggy.text, fixed.text, fixed.symbol, diagnose(edits, !buggy.has_error)});
  return "";
}

}  // namespace

double token_overlap(std::string_view a, std::string_view b) { return overlap(words_of(a), words_of(b)); }

Alignment align(syntax::Parser& parser, const std::vector<Snippet>& question, const std::vector<Snippet>& answer, const Stackoverflow& settings) {
  Alignment out;
  auto answered = cut(parser, answer);
  const auto broken = drop_broken(answered.functions) + drop_broken(answered.blocks);
  out.left_out.assign(broken, "fixed_does_not_parse");
  if (answered.functions.empty() && answered.blocks.empty()) return out;
  const auto asked = cut(parser, question);
  std::set<std::uint32_t> settled;  // blocks of the answer with a function that the question has
  const auto look = [&](const Piece& fixed, std::span<const Piece> candidates, bool by_name) {
    double share = 0;
    const auto* buggy = best_of(candidates, fixed, by_name, share);
    if (buggy == nullptr || share < settings.overlap_min()) return false;
    const char* reason = add_pair(*buggy, fixed, settings, out);
    if (*reason != '\0') out.left_out.push_back(reason);
    return true;
  };
  for (const auto& function : answered.functions)
    if (look(function, asked.functions, true)) settled.insert(function.block);
  for (const auto& block : answered.blocks) {
    if (settled.contains(block.block)) continue;
    std::vector<Piece> shown;
    for (const auto& candidate : asked.blocks)
      if (may_reach(settings.overlap_min(), candidate, block)) shown.push_back(part_shown(parser, candidate, block));
    if (!look(block, shown, false)) out.left_out.push_back("no_counterpart");
  }
  return out;
}

}  // namespace mendel::miner
