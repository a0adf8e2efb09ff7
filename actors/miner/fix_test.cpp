// Names are told from flat tokens: a name behind a dot is an attribute, one in front of '=' is bound.
#include "actors/miner/fix_test.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "actors/syntax/tokens.hpp"

namespace mendel::miner {
namespace {

using Names = std::set<std::string, std::less<>>;

const Names& builtins() {
  static const Names kNames = {
      "abs",        "all",       "any",         "ascii",      "bin",        "bool",      "bytearray",  "bytes",        "callable",          "chr",
      "complex",    "dict",      "divmod",      "enumerate",  "filter",     "float",     "format",     "frozenset",    "getattr",           "hasattr",
      "hash",       "hex",       "id",          "int",        "isinstance", "issubclass", "iter",      "len",          "list",              "map",
      "max",        "min",       "next",        "object",     "oct",        "ord",       "pow",        "print",        "range",             "repr",
      "reversed",   "round",     "set",         "setattr",    "slice",      "sorted",    "str",        "sum",          "super",             "tuple",
      "type",       "vars",      "zip",         "Exception",  "ValueError", "TypeError", "KeyError",   "IndexError",   "AttributeError",    "RuntimeError",
      "NotImplementedError", "StopIteration", "ZeroDivisionError", "OverflowError", "AssertionError", "LookupError", "UnicodeError", "OSError", "ArithmeticError",
      "NotImplemented", "Ellipsis"};
  return kNames;
}

const Names& standard_modules() {
  static const Names kNames = {"abc",       "ast",     "base64",   "binascii", "bisect",   "calendar", "collections", "contextlib", "copy",   "csv",    "dataclasses", "datetime",
                               "decimal",   "difflib", "enum",     "fractions", "functools", "hashlib", "heapq",      "html",       "inspect", "io",    "itertools",   "json",
                               "keyword",   "math",    "numbers",  "operator", "os",       "pathlib",  "pprint",      "random",     "re",     "shlex",  "statistics",  "string",
                               "struct",    "sys",     "textwrap", "time",     "types",    "typing",   "unicodedata", "urllib",     "uuid",   "warnings"};
  return kNames;
}

struct Scan {
  Names used, bound;
  bool odd = false;  // holds what flat tokens do not tell
};

bool is_f_string(std::string_view token) {
  const auto prefix = token.substr(0, token.find_first_of("'\""));
  return prefix.find_first_of("fF") != std::string_view::npos;
}

Scan scan(std::string_view text) {
  Scan out;
  auto tokens = syntax::tokens(text);
  std::erase_if(tokens, [](const syntax::Token& token) { return token.kind == syntax::TokenKind::comment || token.kind == syntax::TokenKind::newline; });
  const auto word = [&](std::size_t i) { return i < tokens.size() ? text.substr(tokens[i].bytes.begin, tokens[i].bytes.size()) : std::string_view(); };
  bool targets = false;  // between `for` and `in`
  bool parameters = false;  // of a def or lambda
  std::size_t depth = 0;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const auto here = word(i), previous = i > 0 ? word(i - 1) : std::string_view();
    if (tokens[i].kind == syntax::TokenKind::string && is_f_string(here)) out.odd = true;
    if (here == "await" || here == "async" || here == "global" || here == "nonlocal") out.odd = true;
    if (here == "for") targets = true;
    if (here == "in") targets = false;
    if (here == "def" || here == "lambda") {
      parameters = true;
      depth = 0;
    }
    if (parameters && here == "(") ++depth;
    if (parameters && here == ")" && --depth == 0) parameters = false;
    if (parameters && here == ":" && depth == 0) parameters = false;
    if (tokens[i].kind != syntax::TokenKind::name || previous == ".") continue;
    const bool binds = targets || previous == "as" || previous == "import" || previous == "def" || previous == "class" || word(i + 1) == "=" || word(i + 1) == ":=" ||
                       (parameters && (previous == "(" || previous == "," || previous == "*" || previous == "**" || previous == "lambda"));
    (binds ? out.bound : out.used).insert(std::string(here));
  }
  return out;
}

// Names that the file's own imports of the standard library give, and the line that does it.
std::map<std::string, std::string> imports_of(std::string_view text) {
  std::map<std::string, std::string> out;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    const auto line = text.substr(at, end - at);
    at = end + 1;
    if (!line.starts_with("import ") && !line.starts_with("from ")) continue;
    const auto first = line.find(' ') + 1;
    const auto module = line.substr(first, line.find_first_of(" .,", first) - first);
    if (!standard_modules().contains(module) || line.find_first_of("(\\;*#") != std::string_view::npos) continue;
    const auto names = line.starts_with("import ") ? line.substr(first) : line.substr(std::min(line.find(" import ") + 8, line.size()));
    for (std::size_t begin = 0; begin < names.size();) {
      const auto comma = std::min(names.find(',', begin), names.size());
      auto name = names.substr(begin, comma - begin);
      if (const auto as = name.find(" as "); as != std::string_view::npos) name = name.substr(as + 4);
      name = name.substr(std::min(name.find_first_not_of(' '), name.size()));
      name = name.substr(0, name.find_first_of(" .\r"));
      out.emplace(std::string(name), std::string(line));
      begin = comma + 1;
    }
  }
  return out;
}

// All names that `scan` needs from outside are builtins, `own`, or imports (whose lines are added to `lines`).
bool stands_alone(const Scan& found, std::string_view own, const std::map<std::string, std::string>* imports, std::set<std::string>& lines) {
  if (found.odd) return false;
  for (const auto& name : found.used) {
    if (name == own || builtins().contains(name) || found.bound.contains(name)) continue;
    if (imports == nullptr || !imports->contains(name)) return false;
    lines.insert(imports->at(name));
  }
  return true;
}

bool is_test_function(std::string_view text, const syntax::Function& function) {
  if (function.has_error || function.depth > 0 || !function.symbol.starts_with("test") || function.bytes != function.definition) return false;
  return function.symbol.find('.') == std::string::npos && text.substr(function.bytes.begin).starts_with("def " + function.symbol + "():");
}

}  // namespace

std::optional<std::string> standalone_test(syntax::Parser& parser, std::string_view before, std::string_view after, std::string_view symbol, std::string_view fixed) {
  std::set<std::string> lines;
  if (symbol.find('.') != std::string_view::npos || !stands_alone(scan(fixed), symbol, nullptr, lines)) return std::nullopt;
  const auto tree = parser.parse(after);
  if (!tree) return std::nullopt;
  const auto imports = imports_of(after);
  std::string tests, calls;
  for (const auto& function : syntax::functions(*tree)) {
    const auto text = after.substr(function.bytes.begin, function.bytes.size());
    if (!is_test_function(after, function) || before.find(text) != std::string_view::npos) continue;
    const auto found = scan(text);
    auto needed = lines;
    if (!found.used.contains(symbol) || !stands_alone(found, symbol, &imports, needed)) continue;
    lines = std::move(needed);
    tests += std::string(text) + "\n\n\n";
    calls += function.symbol + "()\n";
  }
  if (tests.empty()) return std::nullopt;
  std::string out;
  for (const auto& line : lines) out += line + "\n";
  return out + (out.empty() ? "" : "\n\n") + tests + calls;
}

}  // namespace mendel::miner
