// Lines are the unit: what is cut, dedented and put back are whole lines, so every other byte stays.
#include "actors/trainer/code_pieces.hpp"

#include <algorithm>

#include "actors/syntax/tokens.hpp"

namespace mendel::trainer {
namespace {

std::vector<std::string_view> split_lines(std::string_view text) {
  std::vector<std::string_view> out;
  for (std::size_t begin = 0;;) {
    const auto feed = text.find('\n', begin);
    if (feed == text.npos) {
      out.push_back(text.substr(begin));
      return out;
    }
    out.push_back(text.substr(begin, feed - begin));
    begin = feed + 1;
  }
}

bool is_blank(std::string_view line) { return line.find_first_not_of(" \t\r\f") == line.npos; }

std::string_view without_return(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

// For each line of `text` whether it begins inside a string.
std::vector<bool> inside_strings(std::string_view text, std::size_t lines) {
  std::vector<bool> out(lines, false);
  for (const auto& token : syntax::tokens(text)) {
    if (token.kind != syntax::TokenKind::string && token.kind != syntax::TokenKind::error) continue;
    const auto piece = text.substr(token.bytes.begin, token.bytes.size());
    const auto feeds = static_cast<std::size_t>(std::count(piece.begin(), piece.end(), '\n'));
    for (std::size_t i = 1; i <= feeds && token.line + i < lines; ++i) out[token.line + i] = true;
  }
  return out;
}

struct FileLine {
  std::string_view text;
  std::uint32_t begin;  // byte in the file
  std::size_t indent;  // bytes of white space in front
  bool blank, inside_string;

  std::string_view code() const { return text.substr(indent); }
  bool passive() const { return blank || inside_string || code().starts_with('#'); }
  bool starts_with_word(std::string_view word) const {
    return !blank && !inside_string && code().starts_with(word) && code().size() > word.size() &&
           (code()[word.size()] == ' ' || code()[word.size()] == '\t');
  }
  bool is_def() const { return starts_with_word("def") || (starts_with_word("async") && code().find("def") != std::string_view::npos); }
  bool is_class() const { return starts_with_word("class"); }
  bool is_decorator() const { return !blank && !inside_string && code().starts_with('@'); }
  bool closes_bracket() const { return !blank && std::string_view(")]}").find(code()[0]) != std::string_view::npos; }

  std::string name() const {
    auto rest = code();
    for (const std::string_view word : {"async", "def", "class"})
      if (rest.starts_with(word)) {
        rest.remove_prefix(word.size());
        rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
      }
    const auto end = rest.find_first_of(" \t\r(:[");
    return std::string(rest.substr(0, end));
  }
};

std::vector<FileLine> lines_of(std::string_view file) {
  const auto texts = split_lines(file);
  const auto inside = inside_strings(file, texts.size());
  std::vector<FileLine> out;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const auto indent = std::min(texts[i].find_first_not_of(" \t\f"), texts[i].size());
    out.push_back({texts[i], static_cast<std::uint32_t>(texts[i].data() - file.data()), indent, is_blank(texts[i]), inside[i]});
  }
  return out;
}

// Names of the classes around a line that is indented by `indent`.
std::string scope_of(const std::vector<FileLine>& lines, std::size_t line, std::size_t indent) {
  std::string out;
  for (std::size_t i = line; i-- > 0 && indent > 0;)
    if ((lines[i].is_class() || lines[i].is_def()) && lines[i].indent < indent) {
      out = lines[i].name() + "." + out;
      indent = lines[i].indent;
    }
  return out;
}

// Takes the carriage returns off where all lines have one; `lines` are those of `file` up to `end`, which may
// stand before the last one's.
bool take_returns(std::vector<std::string_view>& lines, std::string_view file, std::size_t end) {
  const bool ended = end < file.size() && file[end] == '\n';
  const std::size_t count = lines.size() - (ended ? 0 : 1);
  if (count == 0 && end < file.size()) return file[end] == '\r';
  if (count == 0 || !std::all_of(lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(count), [](auto line) { return line.ends_with('\r'); }))
    return false;
  for (auto& line : lines) line = without_return(line);
  return true;
}

std::string joined(const std::vector<std::string_view>& lines) {
  std::string out;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i > 0) out.push_back('\n');
    out.append(lines[i]);
  }
  return out;
}

// Nothing if a line does not start with `indent`.
bool remove_indent(std::string_view text, std::string_view indent, std::string& out) {
  const auto lines = split_lines(text);
  const auto inside = inside_strings(text, lines.size());
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i > 0) out.push_back('\n');
    const bool kept = inside[i] || is_blank(lines[i]);
    if (!kept && !lines[i].starts_with(indent)) return false;
    out.append(kept ? lines[i] : lines[i].substr(indent.size()));
  }
  return true;
}

// Lines [begin, end) of a file; nothing if they cannot be dedented.
std::optional<Piece> cut_lines(std::string_view file, const std::vector<FileLine>& lines, std::size_t begin, std::size_t end, std::string symbol) {
  while (end > begin && lines[end - 1].blank) --end;
  while (begin < end && lines[begin].blank) ++begin;
  if (begin == end) return std::nullopt;
  Piece piece;
  const auto last = lines[end - 1];
  piece.bytes = {lines[begin].begin, last.begin + static_cast<std::uint32_t>(last.text.size())};
  piece.line_begin = static_cast<std::uint32_t>(begin);
  piece.line_end = static_cast<std::uint32_t>(end);
  piece.indent = lines[begin].text.substr(0, lines[begin].indent);
  piece.symbol = std::move(symbol);
  auto texts = split_lines(file.substr(piece.bytes.begin, piece.bytes.size()));
  piece.carriage_returns = take_returns(texts, file, piece.bytes.end);
  if (!remove_indent(joined(texts), piece.indent, piece.text)) return std::nullopt;
  return piece;
}

// One past the last line of the `def` at `line`: what is indented further, brackets that close, and
// blank lines and comments in between.
std::size_t end_of_block(const std::vector<FileLine>& lines, std::size_t line) {
  std::size_t end = line + 1;
  for (std::size_t i = line + 1; i < lines.size(); ++i) {
    const bool deeper = lines[i].indent > lines[line].indent;
    if (!lines[i].blank && (deeper || lines[i].inside_string || (lines[i].indent == lines[line].indent && lines[i].closes_bracket()))) end = i + 1;
    else if (!lines[i].passive()) break;
  }
  return end;
}

std::size_t first_decorator(const std::vector<FileLine>& lines, std::size_t line) {
  std::size_t begin = line;
  while (begin > 0 && lines[begin - 1].is_decorator() && lines[begin - 1].indent == lines[line].indent) --begin;
  return begin;
}

}  // namespace

Result<std::vector<Piece>> function_pieces(std::string_view file) {
  syntax::Parser parser;
  const auto tree = parser.parse(file);
  if (!tree) return tree.error();
  std::vector<Piece> out;
  for (const auto& function : syntax::functions(*tree)) {
    if (function.depth > 0) continue;
    auto cut = syntax::cut_function(*tree, function);
    if (!cut) continue;
    Piece piece;
    piece.bytes = cut->bytes;
    piece.indent = cut->indent;
    piece.symbol = function.symbol;
    piece.line_begin = function.line_begin;
    piece.line_end = function.line_end;
    auto lines = split_lines(cut->text);
    piece.carriage_returns = take_returns(lines, file, piece.bytes.end);
    piece.text = joined(lines);
    out.push_back(std::move(piece));
  }
  return out;
}

std::vector<Piece> line_pieces(std::string_view file) {
  const auto lines = lines_of(file);
  std::vector<Piece> out;
  for (std::size_t i = 0; i < lines.size();) {
    if (!lines[i].is_def()) {
      ++i;
      continue;
    }
    const auto end = end_of_block(lines, i);
    if (auto piece = cut_lines(file, lines, first_decorator(lines, i), end, scope_of(lines, i, lines[i].indent) + lines[i].name()))
      out.push_back(std::move(*piece));
    i = end;
  }
  return out;
}

std::optional<Piece> piece_around(std::string_view file, std::uint32_t line) {
  const auto lines = lines_of(file);
  const std::size_t at = std::min<std::size_t>(line, lines.size() - 1);
  const auto starts_new = [&](std::size_t i) { return lines[i].is_def() || lines[i].is_class() || lines[i].is_decorator(); };
  std::size_t header = at + 1;
  while (header > 0 && !lines[header - 1].is_def()) --header;
  if (header > 0) {
    --header;
    std::size_t end = header + 1;
    while (end < lines.size() && !(starts_new(end) && lines[end].indent <= lines[header].indent)) ++end;
    if (auto piece = cut_lines(file, lines, first_decorator(lines, header), end, scope_of(lines, header, lines[header].indent) + lines[header].name()))
      return piece;
  }
  std::size_t begin = at, end = at + 1;
  while (begin > 0 && !starts_new(begin) && !lines[begin - 1].is_def()) --begin;
  while (end < lines.size() && !starts_new(end)) ++end;
  return cut_lines(file, lines, begin, end, "");
}

Piece whole_piece(std::string_view file) {
  Piece piece;
  std::size_t end = file.size();
  while (end > 0 && (file[end - 1] == '\n' || (file[end - 1] == '\r' && end < file.size() && file[end] == '\n'))) --end;
  if (end < file.size() && file[end] == '\r') ++end;  // the last line keeps its carriage return, as the others
  piece.bytes = {0, static_cast<std::uint32_t>(end)};
  auto lines = split_lines(file.substr(0, end));
  piece.line_end = static_cast<std::uint32_t>(lines.size());
  piece.carriage_returns = take_returns(lines, file, end);
  piece.text = joined(lines);
  return piece;
}

std::string put_back(std::string_view file, const Piece& piece, std::string_view text) {
  const auto before = split_lines(piece.text), after = split_lines(text);
  const auto original = split_lines(file.substr(piece.bytes.begin, piece.bytes.size()));
  const std::string pasted_text = syntax::paste_function(text, piece.indent);
  const auto pasted = split_lines(pasted_text);
  std::size_t prefix = 0, suffix = 0;
  const auto shorter = std::min(before.size(), after.size());
  while (prefix < shorter && before[prefix] == after[prefix]) ++prefix;
  while (suffix < shorter - prefix && before[before.size() - 1 - suffix] == after[after.size() - 1 - suffix]) ++suffix;
  const bool last_returns = original.back().ends_with('\r');
  std::string out(file.substr(0, piece.bytes.begin));
  for (std::size_t i = 0; i < after.size(); ++i) {
    const bool last = i + 1 == after.size();
    const auto kept = i < prefix ? i : i >= after.size() - suffix ? i + original.size() - after.size() : original.size();
    const auto line = kept < original.size() ? original[kept] : pasted[i];
    out.append(piece.carriage_returns ? without_return(line) : line);
    if (piece.carriage_returns && (!last || last_returns)) out.push_back('\r');
    if (!last) out.push_back('\n');
  }
  out.append(file.substr(piece.bytes.end));
  return out;
}

}  // namespace mendel::trainer
