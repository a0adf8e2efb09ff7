// What a linter says about a place in a file, in one schema for all linters.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mendel::linter {

inline constexpr std::string_view kUnparsableRule = "invalid-syntax";  // of every tool

// 1-based; columns count characters (code points), not bytes, and a byte order mark not at all.
struct Position {
  std::uint32_t line = 0, column = 0;
  auto operator<=>(const Position&) const = default;
};

// Exchanges [begin, end) for `content`.
struct TextEdit {
  Position begin, end;
  std::string content;
};

struct Fix {
  std::string applicability;  // safe: keeps the meaning; unsafe: may not; display: for people
  std::string message;
  std::vector<TextEdit> edits;
};

struct Diagnostic {
  std::string tool;  // ruff, pylint, mypy or bandit
  std::string rule;  // as the tool names it: E711, W0102, arg-type, B602; kUnparsableRule for a text that does not parse
  std::string message;
  std::string severity;  // error, warning, info
  std::string path;
  Position begin, end;
  std::optional<Fix> fix;
};

// One line: {tool, rule, message, severity, path, line, column, end_line, end_column, fix?}.
std::string to_json(const Diagnostic& diagnostic);

}  // namespace mendel::linter
