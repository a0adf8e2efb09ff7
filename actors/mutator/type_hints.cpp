// One pass: headers and plain assignments.
#include "actors/mutator/type_hints.hpp"

#include <algorithm>
#include <array>

namespace mendel::mutator {
namespace {

using syntax::TokenKind;

constexpr std::array<std::string_view, 4> kWrappers = {"Optional", "Final", "Annotated", "ClassVar"};

// The first word of the annotation at i that is a type of its own; one that allows several answers nothing.
std::string_view annotated(const FunctionView& view, std::uint32_t i) {
  if (view.is_any(i, kWrappers) && view.is(i + 1, "[")) return annotated(view, i + 2);
  if (view.kind(i) != TokenKind::name || view.is(i, "Any") || view.is(i, "Union") || view.is(i, "object")) return {};
  while (view.is(i + 1, ".") && view.kind(i + 2) == TokenKind::name) i += 2;
  if (view.is(i + 1, "|") && !view.is(i + 2, "None")) return {};
  return view.word(i);
}

// The type of the literal at i, if it is all of a value.
std::string_view literal(const FunctionView& view, std::uint32_t i, std::uint32_t end) {
  if (view.is(i, "[") && view.closer(i) + 1 == end) return "list";
  if (view.is(i, "{") && view.closer(i) + 1 == end) return view.closer(i) == i + 1 || view.is(i + 2, ":") ? "dict" : "set";
  if (end != i + 1) return {};
  if (view.is(i, "True") || view.is(i, "False")) return "bool";
  if (view.kind(i) == TokenKind::number) return view.word(i).find_first_of(".eE") == std::string_view::npos ? "int" : "float";
  if (view.kind(i) == TokenKind::string) return view.word(i)[0] == 'b' ? "bytes" : "str";
  return {};
}

}  // namespace

TypeHints::TypeHints(const FunctionView& view) {
  const auto add = [&](std::string_view name, std::string_view type) {
    if (!type.empty() && type_of(name).empty()) hints_.push_back({name, type});
  };
  if (view.header() >= view.statements().size()) return;
  const auto& header = view.statements()[view.header()];
  for (auto i = header.begin; i + 2 < header.end; ++i)
    if (view.kind(i) == TokenKind::name && view.depth(i) == 1 && view.is(i + 1, ":")) add(view.word(i), annotated(view, i + 2));
  for (auto s = view.header() + 1; s < view.statements().size(); ++s) {
    const auto& statement = view.statements()[s];
    const auto i = statement.begin;
    if (view.kind(i) != TokenKind::name) continue;
    if (view.is(i + 1, ":")) add(view.word(i), annotated(view, i + 2));
    if (view.is(i + 1, "=")) add(view.word(i), literal(view, i + 2, statement.end));
  }
}

std::string_view TypeHints::type_of(std::string_view name) const {
  const auto at = std::find_if(hints_.begin(), hints_.end(), [&](const Hint& hint) { return hint.name == name; });
  return at == hints_.end() ? std::string_view() : at->type;
}

bool TypeHints::may_stand_for(std::string_view name, std::string_view other) const {
  const auto a = type_of(name), b = type_of(other);
  return a.empty() || b.empty() || a == b || (a == "int" && b == "float") || (a == "float" && b == "int");
}

}  // namespace mendel::mutator
