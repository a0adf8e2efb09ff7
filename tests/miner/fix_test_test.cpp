// The test of a fix beside its function: what may stand alone and what may not.
#include <doctest/doctest.h>

#include <string>

#include "actors/miner/fix_test.hpp"

using namespace mendel;
using namespace mendel::miner;

namespace {

const std::string kFixed = "def clamp(x, low=0, *rest, key=None):\n    values = [v for v in rest if v.real]\n    return max(low, x, *values)";

std::optional<std::string> test_of(const std::string& file, const std::string& before = {}, const std::string& symbol = "clamp", const std::string& fixed = kFixed) {
  syntax::Parser parser;
  return standalone_test(parser, before, file, symbol, fixed);
}

}  // namespace

TEST_CASE("a new test that needs only the function and the standard library comes with its imports and a call") {
  const auto test = test_of("import math\nimport os, json as j\nfrom pkg import clamp\n\n\ndef test_low():\n    for x in (1, 2):\n        assert clamp(x) == math.floor(x)\n    j.dumps(x)\n");
  REQUIRE(test);
  CHECK(*test == "import math\nimport os, json as j\n\n\ndef test_low():\n    for x in (1, 2):\n        assert clamp(x) == math.floor(x)\n    j.dumps(x)\n\n\ntest_low()\n");
}

TEST_CASE("tests that were there before are left out, changed ones are taken") {
  const std::string old = "def test_a():\n    assert clamp(1) == 1\n";
  CHECK_FALSE(test_of(old, old));
  const auto test = test_of(old + "\n\ndef test_b():\n    assert clamp(-1) == 0\n", old);
  REQUIRE(test);
  CHECK(test->find("test_a") == std::string::npos);
  CHECK(test_of("def test_a():\n    assert clamp(1) == 2\n", old));
}

TEST_CASE("what needs anything else stands not alone") {
  for (const char* body : {"def test_a(client):\n    clamp(1)\n", "@mark\ndef test_a():\n    clamp(1)\n", "def test_a():\n    assert helper(clamp(1))\n",
                           "def test_a():\n    assert f'{clamp(1)}'\n", "class T:\n    def test_a(self):\n        clamp(1)\n", "def check():\n    clamp(1)\n",
                           "def test_a():\n    assert other.clamp(1)\n", "import numpy\ndef test_a():\n    numpy.array(clamp(1))\n", "async def test_a():\n    clamp(1)\n",
                           "def test_a():\n    pkg.clamp(1)\n", "def test_a(:\n    clamp(1)\n", ""}) {
    CAPTURE(std::string(body));
    CHECK_FALSE(test_of(body));
  }
}

TEST_CASE("a function that needs its module or its class has no such test") {
  const std::string test = "def test_a():\n    clamp(1)\n";
  CHECK_FALSE(test_of(test, {}, "clamp", "def clamp(x):\n    return LIMITS[x]"));
  CHECK_FALSE(test_of(test, {}, "C.clamp", kFixed));
  CHECK_FALSE(test_of(test, {}, "clamp", "def clamp(x):\n    return f'{LIMIT}'"));
  CHECK(test_of(test));
}
