// The table. Tests run every row's example.
#include "actors/mutator/operators.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace mendel::mutator {
namespace {

using Class = OperatorClass;

// Weights were set by measuring the mix on the standard library and installed packages.
constexpr Operator kOperators[] = {
    {"missing_colon", Class::syntax, "forgets the colon that opens a block", "def f(a):\n    if a:\n        return 1",
     "def f(a):\n    if a\n        return 1", 1, find_missing_colon},
    {"missing_parenthesis", Class::syntax, "leaves out an opening or closing parenthesis", "def f(a):\n    return g(a)",
     "def f(a):\n    return g(a", 0.95, find_missing_parenthesis},
    {"missing_bracket", Class::syntax, "leaves out a square or curly bracket", "def f(a):\n    return a[0]", "def f(a):\n    return a[0", 1.55,
     find_missing_bracket},
    {"missing_comma", Class::syntax, "forgets the comma between two items", "def f(a, b):\n    return g(a, b)",
     "def f(a, b):\n    return g(a b)", 1.1, find_missing_comma},
    {"indentation_error", Class::syntax, "indents a line too far or not far enough", "def f(a):\n    b = a\n    return b",
     "def f(a):\n    b = a\n      return b", 1, find_indentation_error},
    {"off_by_one", Class::logic, "counts one too far or one too short", "def f(n):\n    return range(1, n)",
     "def f(n):\n    return range(0, n)", 4, find_off_by_one},
    {"wrong_operator", Class::logic, "uses another arithmetic operator", "def f(a, b):\n    return a + b", "def f(a, b):\n    return a - b", 5.5,
     find_wrong_operator},
    {"wrong_comparison", Class::logic, "compares the wrong way or misses the limit itself", "def f(a, b):\n    return a < b",
     "def f(a, b):\n    return a <= b", 5, find_wrong_comparison},
    {"and_or_swap", Class::logic, "joins conditions by the other word", "def f(a, b):\n    return a and b", "def f(a, b):\n    return a or b", 15,
     find_and_or_swap},
    {"missing_return", Class::logic, "computes the result and forgets to return it", "def f(a):\n    return a + 1", "def f(a):\n    a + 1", 2,
     find_missing_return},
    {"mutable_default", Class::logic, "shares one default object between all calls",
     "def f(a, seen=None):\n    seen = seen or []\n    seen.append(a)", "def f(a, seen=[]):\n    seen = seen or []\n    seen.append(a)", 40, find_mutable_default},
    {"none_check_missing", Class::logic, "turns a check for None around or leaves it out", "def f(a):\n    return a is None",
     "def f(a):\n    return a is not None", 15, find_none_check_missing},
    {"variable_misuse", Class::logic, "uses another variable of the same function", "def f(a, b):\n    return a * a + b",
     "def f(a, b):\n    return b * a + b", 1.3, find_variable_misuse},
    {"shallow_copy", Class::logic, "shares what should have been copied", "def f(a):\n    return copy.deepcopy(a)",
     "def f(a):\n    return copy.copy(a)", 60, find_shallow_copy},
    {"wrong_exception", Class::logic, "catches or raises an exception of another kind",
     "def f(d, k):\n    try:\n        return d[k]\n    except KeyError:\n        return 0",
     "def f(d, k):\n    try:\n        return d[k]\n    except IndexError:\n        return 0", 15, find_wrong_exception},
    {"bare_except", Class::style, "catches everything, the interrupt of the user included",
     "def f(g):\n    try:\n        g()\n    except ValueError:\n        return 0", "def f(g):\n    try:\n        g()\n    except:\n        return 0", 40,
     find_bare_except},
    {"sql_injection", Class::security, "formats values into a query instead of passing them",
     "def f(c, name):\n    c.execute(\"SELECT * FROM t WHERE name = %s\", (name,))",
     "def f(c, name):\n    c.execute(\"SELECT * FROM t WHERE name = %s\" % (name,))", 60, find_sql_injection},
    {"async_not_awaited", Class::async, "calls a coroutine without awaiting it", "async def f(g):\n    return await g()",
     "async def f(g):\n    return g()", 40, find_async_not_awaited},
    {"pandas_settingwithcopy", Class::framework, "assigns into a copy by chained indexing",
     "def f(df, m):\n    df.loc[m, \"a\"] = 1", "def f(df, m):\n    df[m][\"a\"] = 1", 60, find_pandas_settingwithcopy},
    {"framework_specific", Class::framework, "breaks a rule of the framework in use: commit, debug mode, axis, gradients",
     "def f(session, x):\n    session.add(x)\n    session.commit()", "def f(session, x):\n    session.add(x)", 30, find_framework_specific},
};

}  // namespace

const char* name_of(OperatorClass value) {
  static constexpr const char* kNames[] = {"syntax", "logic", "style", "security", "async", "framework"};
  return kNames[static_cast<std::size_t>(value)];
}

std::span<const Operator> operators() { return kOperators; }

const Operator* find_operator(std::string_view name) {
  for (const auto& row : kOperators)
    if (name == row.name) return &row;
  return nullptr;
}

std::string_view nearest_operator(std::string_view name) {
  std::string_view best;
  std::size_t best_distance = ~std::size_t{0};
  for (const auto& row : kOperators) {
    const std::string_view known = row.name;
    std::vector<std::size_t> line(known.size() + 1);
    std::iota(line.begin(), line.end(), 0u);
    for (std::size_t i = 0; i < name.size(); ++i) {
      auto diagonal = std::exchange(line[0], i + 1);
      for (std::size_t k = 1; k <= known.size(); ++k) {
        const auto replaced = diagonal + (name[i] == known[k - 1] ? 0u : 1u);
        diagonal = line[k];
        line[k] = std::min({replaced, line[k] + 1, line[k - 1] + 1});
      }
    }
    if (line.back() < best_distance) {
      best_distance = line.back();
      best = known;
    }
  }
  return best;
}

std::string spliced(std::string_view text, const Splice& splice) {
  std::string out;
  out.reserve(text.size() + splice.text.size());
  out.append(text.substr(0, splice.range.begin)).append(splice.text).append(text.substr(splice.range.end));
  return out;
}

}  // namespace mendel::mutator
