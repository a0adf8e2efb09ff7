// The view drops documentation, nothing else, and edits come back to where they belong.
#include "actors/trainer/code_view.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace mendel;
using namespace mendel::trainer;

namespace {

const encoder::Tokenizer& bytes_only() {
  static const auto tokenizer = encoder::Tokenizer::train({}, {});
  return tokenizer;
}

CodeView view(std::string_view text) {
  auto made = CodeView::of(bytes_only(), encoder::text_to_cells(bytes_only(), text));
  REQUIRE(made);
  return *made;
}

std::string text_of(const std::vector<encoder::TokenId>& cells) {
  auto text = encoder::cells_to_text(bytes_only(), cells, encoder::Spelling::any);
  REQUIRE(text);
  return *text;
}

std::string seen(std::string_view text) { return text_of(view(text).cells()); }

}  // namespace

TEST_CASE("docstrings, comments and blank lines are not seen") {
  CHECK(seen("def f(a):\n    \"\"\"Says.\n\n    More.\n    \"\"\"\n\n    # why\n    return a  # done") == "def f(a):\n    return a");
  CHECK(seen("def f():\n    'one'\n    return 1") == "def f():\n    return 1");
}

TEST_CASE("strings that are values stay") {
  for (const char* text : {"def f():\n    return \"\"\"a\n\n    b\"\"\"", "def f():\n    g(\n        'x',\n        'y'\n    )", "def f():\n    x = '# no comment'"})
    CHECK(seen(text) == text);
}

TEST_CASE("code that does not parse is seen by the same rules") {
  CHECK(seen("def f(a)\n    \"\"\"Doc.\"\"\"\n    return a") == "def f(a)\n    return a");
  CHECK(seen("def f(a):\n    # c\n  return (a") == "def f(a):\n  return (a");
}

TEST_CASE("text without documentation is seen whole, trailing space and tabs included") {
  const char* text = "def f(a):\n\tif a: \n\t\treturn 1";
  const auto whole = encoder::text_to_cells(bytes_only(), text);
  CHECK(view(text).cells() == whole);
}

TEST_CASE("an edit over the view gives the fixed text with its documentation") {
  const std::string buggy = "def f(a):\n    # one\n    b = a\n\n    # two\n    return a  # three", fixed = "def f(a):\n    # one\n    b = a\n\n    # two\n    return b  # three";
  const auto edit = view_edit(view(buggy), view(fixed));
  REQUIRE(edit);
  const auto cells = encoder::apply_edit(encoder::text_to_cells(bytes_only(), buggy), view(buggy).to_whole(*edit));
  CHECK(text_of(cells) == fixed);
}

TEST_CASE("an inserted line comes before the code that follows, behind the comment") {
  const std::string buggy = "def f(a):\n    # one\n    return a", fixed = "def f(a):\n    # one\n    a += 1\n    return a";
  const auto edit = view_edit(view(buggy), view(fixed));
  REQUIRE(edit);
  CHECK(text_of(encoder::apply_edit(encoder::text_to_cells(bytes_only(), buggy), view(buggy).to_whole(*edit))) == fixed);
}

TEST_CASE("what is missing at the end of a line comes before its comment") {
  const std::string buggy = "def f(a)  # why\n    return a", fixed = "def f(a):  # why\n    return a";
  const auto edit = view_edit(view(buggy), view(fixed));
  REQUIRE(edit);
  CHECK(text_of(encoder::apply_edit(encoder::text_to_cells(bytes_only(), buggy), view(buggy).to_whole(*edit))) == fixed);
}

TEST_CASE("sides that differ in documentation alone have no edit") {
  CHECK_FALSE(view_edit(view("def f():\n    # a\n    pass"), view("def f():\n    # b\n    pass")));
}

TEST_CASE("every cell of the view is the cell of the whole that it names") {
  const char* text = "def f(a):\n    '''Doc'''\n    x = [1,  # first\n         2]\n    return x";
  const auto whole = encoder::text_to_cells(bytes_only(), text);
  const auto made = view(text);
  REQUIRE(made.kept().size() == made.cells().size());
  for (std::size_t i = 0; i < made.kept().size(); ++i) CHECK(whole[made.kept()[i]] == made.cells()[i]);
  CHECK(text_of(made.cells()) == "def f(a):\n    x = [1,\n         2]\n    return x");
}
