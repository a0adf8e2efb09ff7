// What is layout and what is code.
#include <doctest/doctest.h>

#include "actors/validator/code_shape.hpp"
#include "actors/validator/edit_signature.hpp"

using namespace mendel;
using namespace mendel::validator;

namespace {

Change change(std::string_view before, std::string_view after) {
  return change_between(before, syntax::tokens(before), after, syntax::tokens(after));
}

std::uint64_t signature(std::string_view before, std::string_view after) {
  const auto a = syntax::tokens(before), b = syntax::tokens(after);
  return edit_signature({before, a}, {after, b}, syntax::token_difference(before, a, after, b));
}

}  // namespace

TEST_CASE("comments, blank lines, spacing and breaks inside brackets are layout") {
  CHECK(change("x = 1", "x = 1") == Change::none);
  CHECK(change("x = 1", "x=1  # one\n\n") == Change::layout);
  CHECK(change("f(a, b)", "f(a,\n  b)") == Change::layout);
  CHECK(change("x = a + \\\n b", "x = a + b") == Change::layout);
  CHECK(change("if a:\n  b()", "if a:\n\tb()") == Change::layout);
}

TEST_CASE("what moves a statement to another block or line is code") {
  CHECK(change("if a:\n    b()\n    c()", "if a:\n    b()\nc()") == Change::code);
  CHECK(change("return\na", "return a") == Change::code);
  CHECK(change("x = 'a b'", "x = 'a  b'") == Change::code);
}

TEST_CASE("a string that stands alone is a docstring, one that is used is code") {
  CHECK(change("def f():\n    'a'\n    return 1", "def f():\n    '''b\n    c'''\n    return 1") == Change::docstring);
  CHECK(change("x = 'a'", "x = 'b'") == Change::code);
}

TEST_CASE("any bytes have logical lines") {
  for (const std::string& text : {std::string(), std::string(")))"), std::string("\0\xff", 2), std::string("((("), std::string("  a\n b\nc")})
    CHECK_NOTHROW(logical_lines(text, syntax::tokens(text)));
  CHECK(logical_lines("(a\nb\nc", syntax::tokens("(a\nb\nc")).size() == 1);
}

TEST_CASE("the same change in another copy of a function has the same signature") {
  const auto original = signature("def f(n):\n    for i in range(n):\n        g(i)", "def f(n):\n    for i in range(n - 1):\n        g(i)");
  const auto copied = signature("def h(n):\n    # copied\n    for i in range(n):\n            g(i)\n    return 7",
                                "def h(n):\n    # copied\n    for i in range(n - 1):\n            g(i)\n    return 7");
  CHECK(original == copied);
}

TEST_CASE("the same slip at two places, another slip and the reverse are other signatures") {
  const std::string_view fixed = "def f(n):\n    for i in range(n):\n        pass\n    while k(n):\n        n = n.next";
  const auto first = signature("def f(n):\n    for i in range(n - 1):\n        pass\n    while k(n):\n        n = n.next", fixed);
  const auto second = signature("def f(n):\n    for i in range(n):\n        pass\n    while k(n - 1):\n        n = n.next", fixed);
  const auto other = signature("def f(n):\n    for i in range(n + 1):\n        pass\n    while k(n):\n        n = n.next", fixed);
  CHECK(first != second);
  CHECK(first != other);
  CHECK(first != signature(fixed, "def f(n):\n    for i in range(n - 1):\n        pass\n    while k(n):\n        n = n.next"));
  CHECK(first != 0);
}

TEST_CASE("a change of indentation alone has a signature that tells places apart") {
  const std::string_view fixed = "def f(a):\n    if a:\n        b()\n    c()\n    if a:\n        d()\n    e()";
  const auto first = signature("def f(a):\n    if a:\n        b()\n        c()\n    if a:\n        d()\n    e()", fixed);
  const auto second = signature("def f(a):\n    if a:\n        b()\n    c()\n    if a:\n        d()\n        e()", fixed);
  CHECK(first != 0);
  CHECK(first != second);
}
