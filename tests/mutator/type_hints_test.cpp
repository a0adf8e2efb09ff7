// Which names may be taken for one another.
#include "actors/mutator/type_hints.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "actors/mutator/operators.hpp"

using namespace mendel::mutator;

namespace {

std::size_t places(std::string_view name, std::string_view text) {
  Splices out;
  find_operator(name)->find(FunctionView(text), out);
  return out.size();
}

}  // namespace

TEST_CASE("annotations and first values tell types, several types and unknown ones tell none") {
  const FunctionView view("def f(a: int, b: Optional[str], c: int | str, d: typing.List[int], e, *, g: 'x' = 1):\n    h = []\n    i: float = 2\n    j = k()\n    m = {1: 2}\n    n = {1}");
  const TypeHints hints(view);
  CHECK(hints.type_of("a") == "int");
  CHECK(hints.type_of("b") == "str");
  CHECK(hints.type_of("c") == "");
  CHECK(hints.type_of("d") == "List");
  CHECK(hints.type_of("e") == "");
  CHECK(hints.type_of("g") == "");
  CHECK(hints.type_of("h") == "list");
  CHECK(hints.type_of("i") == "float");
  CHECK(hints.type_of("j") == "");
  CHECK(hints.type_of("m") == "dict");
  CHECK(hints.type_of("n") == "set");
  CHECK(hints.may_stand_for("a", "i"));
  CHECK(hints.may_stand_for("a", "e"));
  CHECK_FALSE(hints.may_stand_for("a", "b"));
}

TEST_CASE("variables and arguments of different types are not taken for one another") {
  CHECK(places("variable_misuse", "def f(a: int, b: str):\n    return a + g(b)") == 0);
  CHECK(places("variable_misuse", "def f(a: int, b: int):\n    return a + g(b)") == 2);
  CHECK(places("argument_swap", "def f(a: int, b: str):\n    return g(a, b)") == 0);
  CHECK(places("argument_swap", "def f(a: int, b: int):\n    return g(a, b)") == 1);
  CHECK(places("argument_swap", "def f(a, b):\n    return max(a, b), g(a, 'b'), h(a, k=b), i(a, a)") == 0);
}

TEST_CASE("a variable that is bound on some ways only is not taken") {
  CHECK(places("variable_misuse", "def f(a):\n    if a:\n        b = 1\n    return a") == 0);
  CHECK(places("variable_misuse", "def f(a):\n    b = g()\n    if a:\n        return a") == 2);
}
