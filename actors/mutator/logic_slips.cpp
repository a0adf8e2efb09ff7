// Mistakes of thought that parse and do something else: conditions, returns, defaults, None, variables.
#include <algorithm>
#include <array>
#include <optional>

#include "actors/mutator/finders.hpp"
#include "actors/mutator/type_hints.hpp"

namespace mendel::mutator {
namespace {

using syntax::TokenKind;

// A statement longer than this is not forgotten as a whole.
constexpr std::uint32_t kForgottenTokensMax = 14;

}  // namespace

void find_and_or_swap(const FunctionView& view, Splices& out) {
  for (std::uint32_t i = 1; i + 1 < view.size(); ++i) {
    if (view.kind(i) != TokenKind::keyword) continue;
    if (view.is(i, "and")) replace(view, i, "or", out);
    if (view.is(i, "or")) replace(view, i, "and", out);
  }
}

void find_missing_return(const FunctionView& view, Splices& out) {
  const auto header = view.header();
  for (std::uint32_t i = 1; i + 1 < view.size(); ++i) {
    if (!view.is(i, "return")) continue;
    const auto s = view.statement_of(i);
    const auto& statement = view.statements()[s];
    const auto value = statement.end - i - 1;
    if (value == 0 || view.is(i + 1, ";")) continue;
    if (value == 1 && view.is(i + 1, "None")) continue;  // what falls off the end answers None too
    // A text alone at the top would become the documentation.
    const bool documents = s == header + 1 && view.kind(i + 1) == TokenKind::string;
    if (!view.is(i + 1, "*") && !documents) out.push_back({{view[i].bytes.begin, view[i + 1].bytes.begin}, ""});
    if (i != statement.begin || value > kForgottenTokensMax || statement.line_end - statement.line_begin > 1) continue;
    if (const auto lines = view.removal(s, s + 1)) out.push_back({*lines, ""});
  }
}

namespace {

// Would `name`, a parameter of the header that ends at `from`, be a mapping (true) or a list (false)?
// Nothing if the body does not use it, or its annotation, in [begin, end), says that it is neither.
std::optional<bool> is_mapping(const FunctionView& view, std::uint32_t begin, std::uint32_t end, std::uint32_t from) {
  static constexpr std::array<std::string_view, 7> kOfMappings = {"items", "keys", "values", "get", "setdefault", "update", "copy"};
  static constexpr std::array<std::string_view, 8> kOfLists = {"append", "extend", "insert", "sort", "remove", "index", "pop", "count"};
  static constexpr std::array<std::string_view, 9> kOfNumbers = {"-", "/", "//", "<", ">", "<=", ">=", "==", "%"};
  // Ends of names that no list or mapping has.
  static constexpr std::array<std::string_view, 30> kScalarNames = {
      "name",  "path", "file",   "stream", "encoding", "errors", "mode",   "timeout", "size", "index", "pos",  "charset", "type",   "width", "title",
      "msg",   "text", "prefix", "loop",   "func",     "back",   "logger", "self",    "url",  "seed",  "date", "exception", "error", "level", "string"};
  static constexpr std::array<std::string_view, 9> kScalars = {"int", "str", "bool", "float", "bytes", "Callable", "Path", "complex", "Type"};
  const auto among = [&](const auto& list, std::uint32_t i) { return std::find(list.begin(), list.end(), view.word(i)) != list.end(); };
  const auto name = view.word(begin);
  if (std::any_of(kScalarNames.begin(), kScalarNames.end(), [&](std::string_view end_of) { return name.ends_with(end_of); })) return std::nullopt;
  for (auto i = begin + 1; i < end; ++i) {
    if (view.is(i, "dict") || view.is(i, "Dict") || view.is(i, "Mapping")) return true;
    if (among(kScalars, i) && view.depth(i) == view.depth(begin)) return std::nullopt;
    if (among(kScalars, i) && view.is(i - 2, "Optional")) return std::nullopt;
  }
  bool used = false;
  for (auto i = from; i < view.size(); ++i) {
    if (!view.is(i, name) || view.kind(i) != TokenKind::name || view.is(i - 1, ".")) continue;
    used = true;
    if (view.is(i + 1, ".") && among(kOfMappings, i + 2)) return true;
    if (view.is(i + 1, ".") && !among(kOfLists, i + 2)) return std::nullopt;
    if (view.is(i + 1, "(") || among(kOfNumbers, i + 1) || among(kOfNumbers, i - 1)) return std::nullopt;
    if ((view.is(i + 1, "=") || view.is(i + 1, "or")) && (view.is(i + 2, "{") || view.is(i + 2, "dict"))) return true;
    if (view.is(i - 1, "**")) return true;
  }
  return used ? std::optional(false) : std::nullopt;
}

}  // namespace

void find_mutable_default(const FunctionView& view, Splices& out) {
  for (const auto& statement : view.statements()) {
    if (!view.is(statement.begin, "def") && !view.is(statement.begin + 1, "def")) continue;
    auto parameter = statement.begin;
    for (std::uint32_t i = statement.begin + 2; i + 1 < statement.end; ++i) {
      if (view.depth(i) != 1) continue;
      if (view.kind(i) == TokenKind::name && (view.is(i - 1, ",") || view.is(i - 1, "("))) parameter = i;
      if (!view.is(i, "None") || !view.is(i - 1, "=") || !(view.is(i + 1, ",") || view.is(i + 1, ")"))) continue;
      const auto mapping = is_mapping(view, parameter, i, statement.end);
      if (mapping) replace(view, i, *mapping ? "{}" : "[]", out);
    }
  }
}

void find_none_check_missing(const FunctionView& view, Splices& out) {
  for (std::uint32_t i = 1; i + 1 < view.size(); ++i) {
    if (!view.is(i, "is")) continue;
    if (view.is(i + 1, "None")) out.push_back({view[i].bytes, "is not"});
    if (view.is(i + 1, "not") && view.is(i + 2, "None")) out.push_back({{view[i].bytes.begin, view[i + 1].bytes.end}, "is"});
  }
  // The guard and the one statement under it are left out.
  constexpr std::uint32_t kGuardTokensMax = 8;
  for (std::uint32_t s = 1; s < view.statements().size(); ++s) {
    const auto& guard = view.statements()[s];
    if (!view.is(guard.begin, "if") || guard.end - guard.begin > kGuardTokensMax + kForgottenTokensMax) continue;
    auto colon = guard.begin;
    while (colon < guard.end && !(view.is(colon, ":") && view.depth(colon) == 0)) ++colon;
    const bool about_none = view.is(colon - 1, "None") && (view.is(colon - 2, "is") || view.is(colon - 2, "not"));
    if (!about_none || colon - guard.begin > kGuardTokensMax) continue;
    const bool block = colon + 1 == guard.end;
    const auto end = s + (block ? 2 : 1);
    if (end > view.statements().size()) continue;
    const auto& body = view.statements()[end - 1];
    if (body.line_end - guard.line_begin > 3 || body.end - body.begin > kGuardTokensMax + kForgottenTokensMax) continue;
    if (end < view.statements().size()) {
      const auto& next = view.statements()[end];
      if (next.indent_bytes > guard.indent_bytes || view.is(next.begin, "else") || view.is(next.begin, "elif")) continue;
    }
    if (const auto lines = view.removal(s, end)) out.push_back({*lines, ""});
  }
}

namespace {

struct Local {
  std::string_view name;
  std::uint32_t bound_at;  // token
};

// Is the name at i bound by a comprehension or a for statement?
bool is_loop_target(const FunctionView& view, std::uint32_t i) {
  const auto begin = view.statements()[view.statement_of(i)].begin;
  for (auto j = i; j-- > begin;) {
    if (view.is(j, "for")) return true;
    if (view.is(j, "in") || view.is(j, "=") || view.depth(j) + 1 < view.depth(i)) return false;
  }
  return false;
}

bool is_lambda_parameter(const FunctionView& view, std::uint32_t i) {
  const auto begin = view.statements()[view.statement_of(i)].begin;
  for (auto j = i; j-- > begin && view.depth(j) >= view.depth(i);) {
    if (view.depth(j) > view.depth(i)) continue;
    if (view.is(j, "lambda")) return true;
    if (view.is(j, ":")) return false;
  }
  return false;
}

// The last "=" or augmented assignment of the statement outside of brackets, or its begin.
std::uint32_t last_assignment(const FunctionView& view, const Statement& statement) {
  for (auto j = statement.end; j-- > statement.begin;)
    if (view.depth(j) == 0 && view.kind(j) == TokenKind::op && view.word(j).ends_with('=') && !view.is(j, "==") && !view.is(j, "!=") &&
        !view.is(j, "<=") && !view.is(j, ">="))
      return j;
  return statement.begin;
}

// Parameters and names assigned to, in order of their first place.
std::vector<Local> local_names(const FunctionView& view) {
  constexpr std::size_t kNamesMax = 64;
  std::vector<Local> out;
  const auto add = [&](std::uint32_t i) {
    const auto name = view.word(i);
    const bool known = std::any_of(out.begin(), out.end(), [&](const Local& local) { return local.name == name; });
    if (!known && name != "self" && name != "cls" && name.find_first_not_of('_') != std::string_view::npos && out.size() < kNamesMax)
      out.push_back({name, i});
  };
  const auto& header = view.statements()[view.header()];
  for (auto i = header.begin; i < header.end; ++i)
    if (view.kind(i) == TokenKind::name && view.depth(i) == 1 && (view.is(i - 1, "(") || view.is(i - 1, ",") || view.is(i - 1, "*") || view.is(i - 1, "**")))
      add(i);
  for (auto s = view.header() + 1; s < view.statements().size(); ++s) {
    const auto& statement = view.statements()[s];
    auto i = statement.begin;
    if (view.is(i, "for")) {
      for (++i; i < statement.end && !view.is(i, "in"); ++i)
        if (view.kind(i) == TokenKind::name && !view.is(i + 1, ".") && !view.is(i + 1, "[") && !view.is(i - 1, ".")) add(i);
    } else if (view.kind(i) == TokenKind::name && (view.is(i + 1, "=") || view.is(i + 1, ":") || view.is(i + 1, ","))) {
      for (const auto end = last_assignment(view, statement); i < end; ++i)
        if (view.kind(i) == TokenKind::name && view.depth(i) == 0 && !view.is(i - 1, ".") && (view.is(i + 1, "=") || view.is(i + 1, ","))) add(i);
    }
  }
  return out;
}

// Is the block in which `local` is bound still open at statement `use`? Else it is bound on some ways only.
bool is_bound_at(const FunctionView& view, const Local& local, std::uint32_t use) {
  const auto bound = view.statement_of(local.bound_at);
  if (bound == view.header()) return true;
  for (auto s = bound + 1; s <= use; ++s)
    if (view.statements()[s].indent_bytes < view.statements()[bound].indent_bytes) return false;
  return true;
}

// Is the name at i read, and may another variable stand there?
bool is_plain_use(const FunctionView& view, std::uint32_t i) {
  static constexpr std::array<std::string_view, 9> kBinding = {"global", "nonlocal", "import", "from", "def", "class", "del", "case", "@"};
  static constexpr std::array<std::string_view, 3> kBefore = {".", "as", "def"};
  const auto& statement = view.statements()[view.statement_of(i)];
  if (std::find(kBinding.begin(), kBinding.end(), view.word(statement.begin)) != kBinding.end() || view.is(statement.begin + 1, "def")) return false;
  if (std::find(kBefore.begin(), kBefore.end(), view.word(i - 1)) != kBefore.end()) return false;
  if (view.is(i + 1, "=") && view.depth(i) > 0) return false;  // an argument's name
  if (view.is(i + 1, ":=") || (view.is(i + 1, "(") && i == statement.begin)) return false;
  const auto assignment = last_assignment(view, statement);
  if (i < assignment) {
    const auto open = view.opener(i);
    if (open == view.size() || !view.follows_operand(open)) return false;
  }
  return !is_loop_target(view, i) && !is_lambda_parameter(view, i) && !view.in_annotation(i);
}

}  // namespace

void find_variable_misuse(const FunctionView& view, Splices& out) {
  const auto header = view.header();
  if (header + 1 >= view.statements().size()) return;
  const auto names = local_names(view);
  if (names.size() < 2) return;
  const TypeHints hints(view);
  for (auto i = view.statements()[header].end; i < view.size(); ++i) {
    if (view.kind(i) != TokenKind::name) continue;
    const auto own = std::find_if(names.begin(), names.end(), [&](const Local& local) { return local.name == view.word(i); });
    if (own == names.end() || view.unnoticed(i) || !is_plain_use(view, i)) continue;
    const auto& statement = view.statements()[view.statement_of(i)];
    for (const auto& other : names) {
      // Bound before this statement; x = x, x.f(x) and for x in x are not slips of this kind.
      const bool itself = view.is(statement.begin, other.name) || (view.is(statement.begin, "for") && view.is(statement.begin + 1, other.name));
      if (other.bound_at >= statement.begin || other.name == own->name || itself) continue;
      if (!hints.may_stand_for(own->name, other.name) || !is_bound_at(view, other, view.statement_of(i))) continue;
      replace(view, i, std::string(other.name), out);
    }
  }
}

}  // namespace mendel::mutator
