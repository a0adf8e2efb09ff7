// Reasons: outside_functions, not_cuttable, does_not_parse, not_the_same_function.
//
// After the fix only the function is parsed again, not the file: its lines stand alone, or under an
// `if` that gives their indentation a block.
#include "actors/linter/fix_pairs.hpp"

#include <algorithm>

namespace mendel::linter {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::string_view kBlock = "if 1:\n";

std::string edited(std::string_view text, syntax::Range bytes, std::span<const ByteEdit> edits) {
  std::string out;
  auto at = bytes.begin;
  for (const auto& edit : edits) {
    out.append(text.substr(at, edit.bytes.begin - at)).append(edit.content);
    at = edit.bytes.end;
  }
  return out.append(text.substr(at, bytes.end - at));
}

// The innermost function that holds all edits, which may end with its last line feed.
const syntax::Function* holder(const syntax::Tree& tree, std::span<const syntax::Function> functions, std::span<const ByteEdit> edits) {
  const auto begin = edits.front().bytes.begin;
  const auto end = edits.back().bytes.end;
  const auto text = tree.text();
  for (auto at = functions.rbegin(); at != functions.rend(); ++at) {
    auto limit = at->bytes.end;
    if (limit < text.size() && text[limit] == '\r') ++limit;
    if (limit < text.size() && text[limit] == '\n') ++limit;
    const bool nothing_after = begin < at->bytes.end || (begin == at->bytes.end && end == begin);
    if (at->bytes.begin <= begin && end <= limit && nothing_after) return &*at;
  }
  return nullptr;
}

FixOutcome refuse(const char* reason) { return {std::nullopt, reason}; }

}  // namespace

LineIndex::LineIndex(std::string_view text) : text_(text), starts_{text.starts_with(kByteOrderMark) ? 3u : 0u} {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool ends = text[i] == '\n' || (text[i] == '\r' && (i + 1 == text.size() || text[i + 1] != '\n'));
    if (ends) starts_.push_back(static_cast<std::uint32_t>(i + 1));
  }
}

std::optional<std::uint32_t> LineIndex::offset(Position position) const {
  if (position.line == 0 || position.column == 0) return std::nullopt;
  // One line past the end is where the last line feed ends.
  if (position.line > starts_.size()) return std::nullopt;
  std::size_t at = starts_[position.line - 1];
  for (std::uint32_t column = 1; column < position.column; ++column) {
    if (at >= text_.size()) return std::nullopt;
    ++at;
    while (at < text_.size() && (static_cast<unsigned char>(text_[at]) & 0xC0) == 0x80) ++at;
  }
  return static_cast<std::uint32_t>(at);
}

std::optional<std::vector<ByteEdit>> byte_edits(const LineIndex& index, const Fix& fix) {
  std::vector<ByteEdit> out;
  for (const auto& edit : fix.edits) {
    const auto begin = index.offset(edit.begin), end = index.offset(edit.end);
    if (!begin || !end || *begin > *end) return std::nullopt;
    if (index.text().substr(*begin, *end - *begin) != edit.content) out.push_back({{*begin, *end}, edit.content});
  }
  std::stable_sort(out.begin(), out.end(), [](const ByteEdit& a, const ByteEdit& b) { return a.bytes < b.bytes; });
  for (std::size_t i = 1; i < out.size(); ++i)
    if (out[i].bytes.begin < out[i - 1].bytes.end) return std::nullopt;
  if (out.empty()) return std::nullopt;
  return out;
}

FixOutcome apply_fix(syntax::Parser& parser, const syntax::Tree& tree, std::span<const syntax::Function> functions,
                     std::span<const ByteEdit> edits) {
  const auto* function = holder(tree, functions, edits);
  if (function == nullptr) return refuse("outside_functions");
  if (function->has_error) return refuse("does_not_parse");
  auto before = syntax::cut_function(tree, *function);
  if (!before) return refuse("not_cuttable");
  auto bytes = before->bytes;
  bytes.end = std::max(bytes.end, edits.back().bytes.end);
  const auto lines = (before->indent.empty() ? std::string() : std::string(kBlock)) + edited(tree.text(), bytes, edits);
  const auto after_tree = parser.parse(lines);
  if (!after_tree) return refuse("does_not_parse");
  if (after_tree->has_error()) return refuse("does_not_parse");
  const auto after_functions = syntax::functions(*after_tree);
  const auto own_name = function->symbol.substr(function->symbol.rfind('.') + 1);
  if (after_functions.empty() || after_functions.front().symbol != own_name) return refuse("not_the_same_function");
  auto after = syntax::cut_function(*after_tree, after_functions.front());
  if (!after || after->indent != before->indent) return refuse("not_cuttable");
  return {FixedFunction{std::move(before->text), std::move(after->text), function->symbol}, ""};
}

}  // namespace mendel::linter
