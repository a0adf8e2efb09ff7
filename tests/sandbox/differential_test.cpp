// Witnesses from nothing but two texts: found where sides differ, none where they do not, the same each time.
#include "actors/sandbox/differential.hpp"

#include "tests/sandbox/sandboxes.hpp"

using namespace mendel;
using namespace mendel::sandbox;
using namespace mendel::sandbox::samples;

namespace {

struct Example {
  const char* name;
  const char* fixed;
  const char* buggy;
};

constexpr Example kDifferent[] = {
    {"a value", "def f(a: int, b: int):\n    return a + b", "def f(a: int, b: int):\n    return a - b"},
    {"a boundary that a literal names", "def f(n):\n    return n > 37", "def f(n):\n    return n >= 37"},
    {"an exception", "def f(items):\n    if not items:\n        return None\n    return items[0]", "def f(items):\n    return items[0]"},
    {"what becomes of an argument", "def f(items):\n    return sorted(items)", "def f(items):\n    items.sort()\n    return items"},
    {"output", "def f(name):\n    print('hello', name)", "def f(name):\n    print('hallo', name)"},
    {"a loop that does not end", "def f(n: int):\n    while n > 0:\n        n -= 1\n    return n", "def f(n: int):\n    while n > 0:\n        n += 1\n    return n"},
    {"a default that is shared between calls", "def f(x, into=None):\n    into = [] if into is None else into\n    into.append(x)\n    return into",
     "def f(x, into=[]):\n    into.append(x)\n    return into"},
    {"a call of what is not defined", "def f(self, key):\n    self.cache[key] = load(key)\n    return self.cache[key]", "def f(self, key):\n    load(key)\n    return self.cache[key]"},
    {"an await that is missing", "async def f(client, url):\n    reply = await client.get(url)\n    return reply.text", "async def f(client, url):\n    reply = client.get(url)\n    return reply.text"},
    {"which exceptions are caught", "def f(source, key):\n    try:\n        return source.read(key)\n    except KeyError:\n        return None",
     "def f(source, key):\n    try:\n        return source.read(key)\n    except ValueError:\n        return None"},
    {"a generator", "def f(n: int):\n    for i in range(n):\n        yield i * 2", "def f(n: int):\n    for i in range(n + 1):\n        yield i * 2"},
    {"an imported module", "def f(text):\n    return re.sub(r'\\s+', ' ', text)", "def f(text):\n    return re.sub(r'\\s', ' ', text)"},
    {"a method of a class", "class A:\n    def __init__(self, n: int):\n        self.n = n\n    def f(self, m: int):\n        return m + 1", "class A:\n    def __init__(self, n: int):\n        self.n = n\n    def f(self, m: int):\n        return m + 2"},
};

constexpr Example kAlike[] = {
    {"a name", "def f(a: int):\n    total = a + 1\n    return total", "def f(a: int):\n    result = a + 1\n    return result"},
    {"an order that does not matter", "def f(a: int, b: int):\n    return a + b", "def f(a: int, b: int):\n    return b + a"},
    {"addresses", "def f(x):\n    return object()", "def f(x):\n    y = object()\n    return y"},
    {"the order of a set", "def f(items):\n    return {'a', 'b', 'c'}", "def f(items):\n    return {'c', 'b', 'a'}"},
};

Difference difference(const Example& example, std::uint32_t cpu_s = 10) {
  DifferentialOptions options;
  options.limits = sandboxes().settings.limits;
  options.limits.cpu_s = cpu_s;
  auto found = differ(*sandboxes().server, {example.buggy, example.fixed}, options);
  REQUIRE_MESSAGE(found, (found ? std::string() : found.error().what));
  return *std::move(found);
}

}  // namespace

TEST_CASE("sides that differ get a witness that holds in a sandbox of its own") {
  NEEDS_SANDBOX();
  for (const auto& example : kDifferent) {
    const std::string name = example.name;
    CAPTURE(name);
    const auto found = difference(example);
    CHECK_MESSAGE(found.found == Difference::Found::witness, found.detail);
    if (found.found != Difference::Found::witness) continue;
    CHECK(ran(*sandboxes().single, "script", found.test.code(), example.fixed).ending == Ending::passed);
    CHECK(ran(*sandboxes().single, "script", found.test.code(), example.buggy).ending == Ending::failed);
  }
}

TEST_CASE("sides that mean the same get none") {
  NEEDS_SANDBOX();
  for (const auto& example : kAlike) {
    const std::string name = example.name;
    CAPTURE(name);
    const auto found = difference(example);
    CHECK_MESSAGE(found.found == Difference::Found::none, found.detail);
  }
}

TEST_CASE("a witness is the same whenever it is looked for") {
  NEEDS_SANDBOX();
  for (const auto& example : {kDifferent[0], kDifferent[7]}) {
    const auto one = difference(example), other = difference(example);
    CHECK(one.test.code() == other.test.code());
    CHECK(one.detail == other.detail);
  }
  CHECK(difference(kDifferent[0]).test.code().size() < 200);  // readable where no ghost is needed
}

TEST_CASE("what is not the same twice is no witness") {
  NEEDS_SANDBOX();
  const auto found = difference({"time", "import time\ndef f(n: int):\n    return time.perf_counter_ns()", "import time\ndef f(n: int):\n    return time.perf_counter_ns() + 1"});
  CHECK(found.found == Difference::Found::undecided);
}

TEST_CASE("code that cannot be loaded, has nothing to call or never ends says so") {
  NEEDS_SANDBOX();
  CHECK(difference({"", "x = 1", "x = 2"}).found == Difference::Found::not_runnable);
  CHECK(difference({"", "raise ValueError\ndef f(): return 1", "raise ValueError\ndef f(): return 2"}).found == Difference::Found::not_runnable);
  const auto native = difference({"", "def f(n: int):\n    return n", "def f(n: int):\n    return sum(range(10 ** 12))"}, 1);
  CHECK(native.found == Difference::Found::undecided);
}

TEST_CASE("a fixed side that does not end where the buggy side does is no proof") {
  NEEDS_SANDBOX();
  const char *ends = "def f(n: int):\n    while n > 0:\n        n -= 1\n    return 0", *hangs = "def f(n: int):\n    while n > 0:\n        n += 1\n    return 0";
  CHECK(difference({"", ends, hangs}).found == Difference::Found::witness);
  const auto swapped = difference({"", hangs, ends});
  CHECK(swapped.found == Difference::Found::undecided);
  CHECK(swapped.detail.starts_with("the fixed side does not end: f("));
}

TEST_CASE("code that lies to the observer proves nothing") {
  NEEDS_SANDBOX();
  // The fixed side ends the observation with a story of its own; the story's call shows no difference when it is run.
  const char* liar = "import os, json\nos.write(3, json.dumps({'calls': [{'seed': 0, 'call': 'f(1)', 'seen': 'gives 99', 'plain': 'assert f(1) == 99'}], 'modules': {}, 'ghosts': [], 'errors': []}).encode())\nos._exit(0)\ndef f(n: int): return 1";
  const auto found = difference({"", liar, "def f(n: int):\n    return 1"});
  CHECK(found.found != Difference::Found::witness);
}
