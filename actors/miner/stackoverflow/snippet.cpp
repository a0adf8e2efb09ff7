// Lines first (prompts, indentation), then tokens (signs of Python 2). Both are tables.
#include "actors/miner/stackoverflow/snippet.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "actors/syntax/source_text.hpp"
#include "actors/syntax/tokens.hpp"

namespace mendel::miner {
namespace {

using Lines = std::vector<std::string>;
using syntax::Token;
using syntax::TokenKind;

constexpr std::string_view kPythonNames[] = {"", "py", "python", "python3", "default", "none", "pycon"};
constexpr std::string_view kBlank = " \t\f\v";

// Lines without carriage returns and blanks at their ends; no-break spaces are spaces.
Lines lines_of(std::string_view text) {
  Lines out;
  while (!text.empty()) {
    const auto end = text.find('\n');
    std::string line;
    for (auto rest = text.substr(0, end); !rest.empty();) {
      const bool no_break = rest.starts_with("\xC2\xA0");
      line.push_back(no_break ? ' ' : rest.front());
      rest.remove_prefix(no_break ? 2 : 1);
    }
    line.erase(line.find_last_not_of(" \t\f\v\r") + 1);
    out.push_back(std::move(line));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  while (!out.empty() && out.back().empty()) out.pop_back();
  out.erase(out.begin(), std::find_if(out.begin(), out.end(), [](const auto& line) { return !line.empty(); }));
  return out;
}

// Length of "PROMPT " at the front of the line behind its indentation, with or without the space at its end; 0 if
// it is none. `first`: of a statement; else of a line that continues it.
std::size_t prompt(std::string_view line, bool first) {
  const auto indent = std::min(line.find_first_not_of(kBlank), line.size());
  const auto rest = line.substr(indent);
  const auto found = [&](std::size_t size) { return indent + size + (rest.size() > size && rest[size] == ' ' ? 1 : 0); };
  if (rest.starts_with(first ? ">>>" : "...")) return rest.size() == 3 || rest[3] == ' ' ? found(3) : 0;
  if (first && rest.starts_with("In [")) {
    const auto end = rest.find("]:");
    const bool digits = end != std::string_view::npos && end > 4 &&
                        std::all_of(rest.begin() + 4, rest.begin() + static_cast<std::ptrdiff_t>(end), [](char c) { return c >= '0' && c <= '9'; });
    return digits ? found(end + 2) : 0;
  }
  return !first && rest.starts_with("...:") ? found(4) : 0;
}

// Only what was typed. An outputs' line that looks like a continuation does not follow one.
Lines typed(const Lines& lines) {
  Lines out;
  bool inside = false;
  for (const auto& line : lines) {
    auto size = prompt(line, true);
    if (size == 0 && inside) size = prompt(line, false);
    inside = size > 0;
    if (inside) out.push_back(line.substr(size));
  }
  while (!out.empty() && out.back().empty()) out.pop_back();
  return out;
}

void dedent(Lines& lines) {
  std::string_view common;
  bool any = false;
  for (const auto& line : lines) {
    if (line.empty()) continue;
    const std::string_view indent(line.data(), line.find_first_not_of(" \t"));
    if (!std::exchange(any, true)) common = indent;
    const auto differ = std::mismatch(common.begin(), common.end(), indent.begin(), indent.end());
    common = common.substr(0, static_cast<std::size_t>(differ.first - common.begin()));
  }
  const auto size = common.size();
  for (auto& line : lines) line.erase(0, std::min(size, line.size()));
}

std::string joined(const Lines& lines) {
  std::string out;
  for (const auto& line : lines) out.append(out.empty() ? "" : "\n").append(line);
  return out;
}

// Prompts of shells, and what interpreters print when they fail.
bool is_console(const Lines& lines) {
  static constexpr std::string_view kStarts[] = {"$ ", "# pip ", "C:\\", "c:\\", "Traceback (most recent call last)", "pip install ", "sudo ", "python ",
                                                 "python3 "};
  const auto& first = lines.front();
  return std::any_of(std::begin(kStarts), std::end(kStarts), [&](auto start) { return std::string_view(first).starts_with(start); });
}

// The tokens of a text, comments and line ends of open brackets left in: signs look at lines.
struct Scan {
  std::string_view text;
  std::vector<Token> tokens;

  std::string_view word(std::size_t i) const {
    return i < tokens.size() && tokens[i].kind != TokenKind::newline ? text.substr(tokens[i].bytes.begin, tokens[i].bytes.size()) : std::string_view();
  }
  TokenKind kind(std::size_t i) const { return i < tokens.size() ? tokens[i].kind : TokenKind::newline; }
  bool starts_statement(std::size_t i) const {
    return i == 0 || kind(i - 1) == TokenKind::newline || word(i - 1) == ":" || word(i - 1) == ";" || kind(i - 1) == TokenKind::comment;
  }
};

bool is_operand(const Scan& s, std::size_t i) {
  const auto kind = s.kind(i);
  return kind == TokenKind::name || kind == TokenKind::number || kind == TokenKind::string;
}

bool statement_word(const Scan& s, std::size_t i, std::string_view name) { return s.word(i) == name && s.starts_statement(i); }

bool print_statement(const Scan& s, std::size_t i) {
  return statement_word(s, i, "print") && (is_operand(s, i + 1) || s.word(i + 1) == ">>" || s.kind(i + 1) == TokenKind::keyword);
}
bool bare_print(const Scan& s, std::size_t i) { return statement_word(s, i, "print") && s.kind(i + 1) == TokenKind::newline; }
bool exec_statement(const Scan& s, std::size_t i) { return statement_word(s, i, "exec") && is_operand(s, i + 1); }
bool raise_comma(const Scan& s, std::size_t i) { return s.word(i) == "raise" && s.kind(i + 1) == TokenKind::name && s.word(i + 2) == ","; }
bool except_comma(const Scan& s, std::size_t i) {
  if (s.word(i) != "except") return false;
  for (auto k = i + 1; s.kind(k) == TokenKind::name || s.word(k) == "."; ++k)
    if (s.word(k + 1) == ",") return s.kind(k + 2) == TokenKind::name && s.word(k + 3) == ":";
  return false;
}
bool angle_unequal(const Scan& s, std::size_t i) {
  return s.word(i) == "<>" || (s.word(i) == "<" && s.word(i + 1) == ">" && s.tokens[i].bytes.end == s.tokens[i + 1].bytes.begin);
}
bool backtick(const Scan& s, std::size_t i) { return s.word(i) == "`"; }
bool ur_string(const Scan& s, std::size_t i) {
  return s.kind(i) == TokenKind::string && (s.word(i).starts_with("ur") || s.word(i).starts_with("UR") || s.word(i).starts_with("Ur"));
}
bool long_number(const Scan& s, std::size_t i) {
  if (s.kind(i) != TokenKind::number) return false;
  const auto word = s.word(i);
  const bool suffix = (word.ends_with('L') || word.ends_with('l')) && word.find_first_of("xX") == std::string_view::npos;
  return suffix || ((s.word(i + 1) == "L" || s.word(i + 1) == "l") && s.tokens[i].bytes.end == s.tokens[i + 1].bytes.begin);
}
bool called(const Scan& s, std::size_t i, std::initializer_list<std::string_view> names) {
  return s.word(i + 1) == "(" && (i == 0 || s.word(i - 1) != ".") && (i == 0 || s.word(i - 1) != "def") &&
         std::find(names.begin(), names.end(), s.word(i)) != names.end();
}
bool old_function(const Scan& s, std::size_t i) { return called(s, i, {"xrange", "raw_input", "unicode", "unichr", "execfile"}); }
bool old_method(const Scan& s, std::size_t i) {
  static constexpr std::string_view kMethods[] = {"has_key", "iteritems", "itervalues", "iterkeys"};
  return s.word(i) == "." && s.word(i + 2) == "(" && std::find(std::begin(kMethods), std::end(kMethods), s.word(i + 1)) != std::end(kMethods);
}
bool old_module(const Scan& s, std::size_t i) {
  static constexpr std::string_view kModules[] = {"urllib2", "ConfigParser", "Tkinter", "cPickle", "StringIO", "Queue", "urlparse", "httplib", "cStringIO"};
  return (s.word(i) == "import" || s.word(i) == "from") && s.starts_statement(i) &&
         std::find(std::begin(kModules), std::end(kModules), s.word(i + 1)) != std::end(kModules);
}

constexpr Python2Sign kSigns[] = {
    {"print_statement", "print 'x', y", "print('x', y)"},
    {"bare_print", "for i in a:\n    print\n", "for i in a:\n    print()\n"},
    {"exec_statement", "exec code", "exec(code)"},
    {"raise_comma", "raise ValueError, 'no'", "raise ValueError('no')"},
    {"except_comma", "try:\n    f()\nexcept os.error, e:\n    pass", "try:\n    f()\nexcept (OSError, e):\n    pass"},
    {"angle_unequal", "if a <> b: pass", "if a < b > c: pass"},
    {"backtick", "x = `y`", "x = '`y`'"},
    {"ur_string", "x = ur'a'", "x = r'ur'"},
    {"long_number", "x = 10L", "x = 10 * L"},
    {"old_function", "for i in xrange(3): pass", "self.unicode(3)"},
    {"old_method", "d.has_key(1)", "d.items()"},
    {"old_module", "import urllib2", "import urllib"},
};
constexpr std::array<bool (*)(const Scan&, std::size_t), std::size(kSigns)> kLooks = {
    print_statement, bare_print, exec_statement, raise_comma, except_comma, angle_unequal, backtick, ur_string, long_number, old_function, old_method, old_module,
};

Snippet left_out(const char* reason) {
  Snippet out;
  out.reason = reason;
  return out;
}

}  // namespace

std::string dedented(std::string_view text) {
  auto lines = lines_of(text);
  dedent(lines);
  return joined(lines);
}

std::span<const Python2Sign> python2_signs() { return kSigns; }

std::string_view python2_sign(std::string_view text) {
  const Scan scan{text, syntax::tokens(text)};
  for (std::size_t i = 0; i < scan.tokens.size(); ++i)
    for (std::size_t k = 0; k < kLooks.size(); ++k)
      if (kLooks[k](scan, i)) return kSigns[k].name;
  return {};
}

Snippet snippet_of(const CodeBlock& block, std::size_t lines_max) {
  if (std::find(std::begin(kPythonNames), std::end(kPythonNames), block.language) == std::end(kPythonNames) && !block.language.starts_with("python"))
    return left_out("other_language");
  if (*syntax::why_not_source(block.text, kPreBytesMax) != '\0') return left_out(block.text.empty() ? "no_code" : "not_text");
  auto lines = lines_of(block.text);
  Snippet out;
  out.session = std::any_of(lines.begin(), lines.end(), [](const auto& line) { return prompt(line, true) > 0; });
  if (out.session) lines = typed(lines);
  dedent(lines);
  if (lines.empty()) return left_out("no_code");
  if (is_console(lines)) return left_out("console");
  if (lines.size() > 10 * lines_max) return left_out("too_long");
  out.text = joined(lines);
  if (!python2_sign(out.text).empty()) return left_out("python2");
  return out;
}

}  // namespace mendel::miner
