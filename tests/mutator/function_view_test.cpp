// What the operators ask of a function.
#include "actors/mutator/function_view.hpp"

#include <doctest/doctest.h>

using namespace mendel::mutator;

namespace {

std::string without(std::string_view text, std::uint32_t first, std::uint32_t end) {
  const auto range = FunctionView(text).removal(first, end);
  if (!range) return "(kept)";
  return std::string(text.substr(0, range->begin)) + std::string(text.substr(range->end));
}

}  // namespace

TEST_CASE("statements are logical lines, brackets and strings hold them together") {
  const FunctionView view("@a\ndef f(\n    b,\n):  # open\n    '''doc\n  still'''\n    c = [b,\n  b]; d = \\\n 1\n    return c");
  REQUIRE(view.statements().size() == 5);
  CHECK(view.header() == 1);
  CHECK(view.opens_block(view.statements()[1]));
  CHECK(view.statements()[2].line_begin == 4);
  CHECK(view.statements()[2].line_end == 6);
  CHECK(view.statements()[3].line_end - view.statements()[3].line_begin == 3);
  CHECK(view.statements()[4].indent_bytes == 4);
}

TEST_CASE("brackets know their partners and what stands before them") {
  const FunctionView view("def f(a):\n    return a[g(1)]\n");
  std::uint32_t open = 0;
  while (!view.is(open, "[")) ++open;
  CHECK(view.is(view.closer(open), "]"));
  CHECK(view.opener(open + 1) == open);
  CHECK(view.follows_operand(open));
  CHECK(view.depth(open) == 0);
  CHECK(view.depth(open + 3) == 2);
  CHECK(view.closer(open + 1) == view.size());
}

TEST_CASE("a statement is removed with its line, and never the only one of its block") {
  CHECK(without("def f():\n    a()\n    b()\n    c()", 2, 3) == "def f():\n    a()\n    c()");
  CHECK(without("def f():\n    a()\n    b()", 2, 3) == "def f():\n    a()");
  CHECK(without("def f():\r\n    a()\r\n    b()", 2, 3) == "def f():\r\n    a()");
  CHECK(without("def f():\n    a()\n    b()", 1, 2) == "def f():\n    b()");
  CHECK(without("def f():\n    a()", 1, 2) == "(kept)");
  CHECK(without("def f():\n    if a:\n        b()\n    c()", 2, 3) == "(kept)");
  CHECK(without("def f():\n    if a:\n        b()\n    c()", 1, 2) == "(kept)");
  CHECK(without("def f():\n    x()\n    if a:\n        b()\n    c()", 2, 4) == "def f():\n    x()\n    c()");
  CHECK(without("def f():\n    a()\n    b()", 0, 1) == "(kept)");
}

TEST_CASE("the rules of indentation are Python's") {
  CHECK(indentation_holds(FunctionView("def f():\n    if a:\n            b\n    elif c:\n     d\n    return 1")));
  CHECK_FALSE(indentation_holds(FunctionView("def f():\n    a\n      b")));
  CHECK_FALSE(indentation_holds(FunctionView("def f():\n    a\n  b")));
  CHECK_FALSE(indentation_holds(FunctionView("def f():\n    if a:\n    b")));
  CHECK_FALSE(indentation_holds(FunctionView("def f():\nreturn 1")));
  CHECK_FALSE(indentation_holds(FunctionView("def f():\n    if a:")));
  CHECK(indentation_holds(FunctionView("def f():\n    a = (1,\n2)\n    '''x\ny'''\n# c\n    return a")));
}

TEST_CASE("questions about places outside the function are answered with no") {
  const FunctionView empty("");
  CHECK(empty.size() == 0);
  CHECK_FALSE(empty.is(0, "("));
  CHECK(empty.word(~0u) == "");
  CHECK(empty.closer(3) == 0);
  CHECK(empty.header() == 0);
  CHECK(indentation_holds(empty));
}
