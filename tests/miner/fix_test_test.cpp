// The tests of a fix with what they need: which are chosen, what is carried, and where it ends.
#include "actors/miner/fix_test.hpp"

#include <doctest/doctest.h>

#include <map>
#include <string>

using namespace mendel;
using namespace mendel::miner;

namespace {

using Tree = std::map<std::string, std::string>;

const std::string kFixed = "def clamp(self, x):\n    return max(0, x)", kBuggy = "def clamp(self, x):\n    from .late import y\n    return x";
const std::string kModule = "\"\"\"Kept: it is of the module.\"\"\"\nfrom .base import Base  # why\n\n\nclass Box(Base):\n    def clamp(self, x):\n        return max(0, x)\n\n    def other(self):\n        \"\"\"Goes, whatever it says.\"\"\"\n";
const std::string kTest = "from pkg.box import Box\n\n\ndef test_low():\n    assert Box().clamp(-1) == 0\n";

FixTests tests_of(const Tree& tree, std::vector<ChangedTest> files, std::size_t bytes_max = 1 << 20) {
  syntax::Parser parser;
  const ReadFile read = [&](const std::string& path) -> std::shared_ptr<const CarriedFile> {
    const auto at = tree.find(path);
    if (at == tree.end()) return nullptr;
    return std::make_shared<const CarriedFile>(CarriedFile{without_prose(at->second), imports_of(at->second)});
  };
  return fix_tests(parser, {"src/pkg/box.py", tree.at("src/pkg/box.py"), "Box.clamp", kBuggy, kFixed}, files, read, bytes_max);
}

std::vector<std::string> paths(const Test& test) {
  std::vector<std::string> out;
  for (const auto& file : test.project().files()) out.push_back(file.path());
  return out;
}

const Tree kTree = {{"src/pkg/__init__.py", ""},         {"src/pkg/box.py", kModule},           {"src/pkg/base.py", "import os\nfrom . import deep\nclass Base: pass\n"},
                    {"src/pkg/deep/__init__.py", "x=1"}, {"src/pkg/late.py", "y = 1\n"},       {"src/pkg/unused.py", ""},
                    {"tests/test_box.py", kTest},        {"tests/conftest.py", "import tool"}, {"tests/tool.py", ""},
                    {"tool.py", ""}};

}  // namespace

TEST_CASE("a new test comes with all that it and both sides import of the project, and no more") {
  const auto found = tests_of(kTree, {{"tests/test_box.py", "", kTest}});
  REQUIRE(found.tests.size() == 1);
  const auto& test = found.tests[0];
  CHECK(test.kind() == TestKind::pytest);
  CHECK(test.code() == kTest);
  CHECK(paths(test) == std::vector<std::string>{"src/pkg/__init__.py", "src/pkg/base.py", "src/pkg/deep/__init__.py", "src/pkg/late.py"});
  const auto& project = test.project();
  CHECK(project.test_path() == "tests/test_box.py");
  CHECK((project.tests_size() == 1 && project.tests(0) == "test_low"));
  CHECK(project.subject_path() == "src/pkg/box.py");
  CHECK(project.subject_before() == "\"\"\"Kept: it is of the module.\"\"\"\nfrom .base import Base  \n\n\nclass Box(Base):\n");
  CHECK(project.subject_indent() == "    ");
  CHECK(project.subject_after() == "\n\n    def other(self):\n        \"\"\n");
}

TEST_CASE("tests that the fix left alone are taken out, with their decorators; changed ones are run") {
  const std::string before = "import pytest\n@pytest.mark.slow\ndef test_old(): pass\nclass TestBox:\n    def test_a(self):\n        assert 1\n    def test_b(self):\n        assert 2\n";
  const std::string after = "import pytest\n@pytest.mark.slow\ndef test_old(): pass\nclass TestBox:\n    def test_a(self):\n        assert 1\n    def test_b(self):\n        assert 3\n";
  const auto found = tests_of(kTree, {{"tests/test_box.py", before, after}});
  REQUIRE(found.tests.size() == 1);
  CHECK(found.tests[0].project().tests(0) == "TestBox.test_b");
  CHECK(found.tests[0].code() == "import pytest\npass\nclass TestBox:\n    pass\n    def test_b(self):\n        assert 3\n");
  CHECK(std::string(tests_of(kTree, {{"tests/test_box.py", after, after}}).reason) == "no_changed_test");
  CHECK(std::string(tests_of(kTree, {}).reason) == "no_changed_test");
}

TEST_CASE("conftest.py comes along only where a test asks for fixtures") {
  const auto found = tests_of(kTree, {{"tests/test_box.py", "", "def test_low(client): pass\n"}});
  REQUIRE(found.tests.size() == 1);
  CHECK(paths(found.tests[0]) == std::vector<std::string>{"src/pkg/__init__.py", "src/pkg/base.py", "src/pkg/deep/__init__.py", "src/pkg/late.py", "tests/conftest.py", "tests/tool.py"});
}

TEST_CASE("of many changed tests those that name the function come first") {
  std::string text;
  for (int i = 0; i < 12; ++i) text += "def test_" + std::to_string(i) + "():\n    " + (i == 11 ? "clamp()" : "pass") + "\n";
  const auto found = tests_of(kTree, {{"tests/test_box.py", "", text}});
  REQUIRE(found.tests.size() == 1);
  const auto& names = found.tests[0].project().tests();
  CHECK(names.size() == 8);
  CHECK(names[7] == "test_11");
}

TEST_CASE("what grows too large is left out and told, and so is a function that is not found") {
  CHECK(std::string(tests_of(kTree, {{"tests/test_box.py", "", kTest}}, 100).reason) == "too_large");
  std::size_t whole = 0;
  const auto found = tests_of(kTree, {{"tests/test_box.py", "", kTest}});
  whole += found.tests[0].code().size() + found.tests[0].project().subject_before().size() + found.tests[0].project().subject_after().size();
  for (const auto& file : found.tests[0].project().files()) whole += file.text().size();
  CHECK(tests_of(kTree, {{"tests/test_box.py", "", kTest}}, whole).tests.size() == 1);
  CHECK(tests_of(kTree, {{"tests/test_box.py", "", kTest}}, whole - 1).tests.empty());
  auto other = kTree;
  other["src/pkg/box.py"] = "class Box: pass\n";
  CHECK(std::string(tests_of(other, {{"tests/test_box.py", "", kTest}}).reason) == "not_found");
}

TEST_CASE("of two functions with the same text the symbol decides; text that goes on is another function") {
  auto tree = kTree;
  const std::string same = "class Low:\n    def clamp(self, x):\n        return max(0, x)\n";
  tree["src/pkg/box.py"] = same + kModule;
  CHECK(tests_of(tree, {{"tests/test_box.py", "", kTest}}).tests.at(0).project().subject_before().starts_with(same));
  tree["src/pkg/box.py"] = "class Low:\n    def clamp(self, x):\n        return max(0, x) + 1\n" + kModule;
  CHECK(tests_of(tree, {{"tests/test_box.py", "", kTest}}).tests.at(0).project().subject_before().find("+ 1") != std::string::npos);
}

TEST_CASE("tests are found at the left edge and right inside of classes there, with all their lines") {
  const std::string first = "@a\n    # why\n    @b(\n  1)\n    async def test_a(self):\n        def test_inner(): pass\n        '''\nx\n'''", last = "def test_c():\n\tpass";
  const std::string text = "if x:\n    def test_not(self): pass\nclass T(\n    Base):\n    y = 1\n\n    " + first + "\n\n    class Inner:\n        def test_not(self): pass\n" +
                           "    def test_b(self): return (1,\n2)\n# end\ndef helper(): pass\n" + last + "\n";
  const auto names_of = [](const FixTests& found) {
    REQUIRE(found.tests.size() == 1);
    const auto& names = found.tests[0].project().tests();
    return std::vector<std::string>(names.begin(), names.end());
  };
  CHECK(names_of(tests_of(kTree, {{"tests/test_box.py", "", text}})) == std::vector<std::string>{"T.test_a", "T.test_b", "test_c"});
  const auto only_b = tests_of(kTree, {{"tests/test_box.py", first + "\n" + last, text}});
  CHECK(names_of(only_b) == std::vector<std::string>{"T.test_b"});
  CHECK(only_b.tests[0].code() == "if x:\n    def test_not(self): pass\nclass T(\n    Base):\n    y = 1\n\n    pass\n\n    class Inner:\n        def test_not(self): pass\n"
                                  "    def test_b(self): return (1,\n2)\ndef helper(): pass\npass\n");
}

TEST_CASE("imports are read wherever they stand, relative ones, long ones and those by name") {
  const auto found = imports_of("import a.b as c, d\nfrom . import e\nfrom ..f.g import (h,  # i\n    j as k,)\ntry: from l import *\nexcept: pass\ndef m():\n    import n; import o\n"
                                "raise E from error\nx = 'p.q'\nw = 'r.py'\ny = 'no. sentence'\nz = f(\n  from_=1)\n");
  std::vector<std::string> said;
  for (const auto& one : found) {
    std::string text(one.dots, '.');
    text += one.module;
    for (const auto& name : one.names) text += " " + name;
    said.push_back(text);
  }
  CHECK(said == std::vector<std::string>{"a.b", "d", "l", "n", "o", "p.q", ". e", "..f.g h j"});
  CHECK(imports_of("from . import\nimport\nfrom\nfrom a\nimport 'x'\nfrom a import (b").size() == 2);
}

TEST_CASE("prose goes, code and texts that are used stay") {
  CHECK(without_prose("#!/usr/bin/python\n# one\nx = 1  # two\ndef f():\n    # three\n    '''A long text of many words.'''\n    y = ('not # a comment',\n        'a long text inside of brackets')\n") ==
        "x = 1  \ndef f():\n    \"\"\n    y = ('not # a comment',\n        'a long text inside of brackets')\n");
  CHECK(without_prose("# a\r\nx = 1\r\n") == "x = 1\r\n");
  CHECK(without_prose("").empty());
}
