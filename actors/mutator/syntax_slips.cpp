// Slips after which the code does not parse any more. Each splice is sure to break the function by
// construction; the stage checks it all the same.
#include <array>

#include "actors/mutator/finders.hpp"

namespace mendel::mutator {
namespace {

using syntax::TokenKind;

}  // namespace

void find_missing_colon(const FunctionView& view, Splices& out) {
  for (const auto& statement : view.statements())
    if (view.opens_block(statement)) drop(view, statement.end - 1, out);
}

void find_missing_parenthesis(const FunctionView& view, Splices& out) {
  for (std::uint32_t i = 0; i < view.size(); ++i)
    if (view.is(i, "(") || view.is(i, ")")) drop(view, i, out);
}

void find_missing_bracket(const FunctionView& view, Splices& out) {
  for (std::uint32_t i = 0; i < view.size(); ++i)
    if (view.is(i, "[") || view.is(i, "]") || view.is(i, "{") || view.is(i, "}")) drop(view, i, out);
}

void find_missing_comma(const FunctionView& view, Splices& out) {
  for (std::uint32_t i = 1; i + 1 < view.size(); ++i) {
    if (!view.is(i, ",") || view.depth(i) == 0) continue;
    const auto right = view.kind(i + 1), left = view.kind(i - 1);
    // What could go on from the left side (an operator, a bracket, a second string) would still parse.
    if (right != TokenKind::name && right != TokenKind::number && right != TokenKind::string) continue;
    if (right == TokenKind::string && left == TokenKind::string) continue;
    if (!view.ends_operand(i - 1) && left != TokenKind::string) continue;
    if (view[i + 1].bytes.begin == view[i].bytes.end) continue;  // would join two words
    drop(view, i, out);
  }
}

void find_indentation_error(const FunctionView& view, Splices& out) {
  static constexpr std::array<int, 6> kSteps = {4, -4, 2, -2, 1, -1};
  if (!indentation_holds(view)) return;
  for (std::uint32_t s = 1; s < view.statements().size(); ++s) {
    const auto& statement = view.statements()[s];
    if (statement.end == statement.begin + 1 && view.kind(statement.begin) == TokenKind::string) continue;  // documentation
    const auto lines = view.lines(statement);
    const auto white = view.text().substr(lines.begin, statement.indent_bytes);
    if (white.find_first_not_of(' ') != std::string_view::npos) continue;
    for (const int step : kSteps) {
      const auto indent = static_cast<std::int64_t>(statement.indent_bytes) + step;
      if (indent < 0 || indentation_holds(view, s, static_cast<std::uint32_t>(indent))) continue;
      out.push_back({{lines.begin, lines.begin + statement.indent_bytes}, std::string(static_cast<std::size_t>(indent), ' ')});
    }
  }
}

}  // namespace mendel::mutator
