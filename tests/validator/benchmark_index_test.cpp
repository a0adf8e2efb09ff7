// Benchmarks on disk against texts that resemble them or not.
#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "actors/validator/benchmark_index.hpp"

using namespace mendel;
using namespace mendel::validator;

namespace {

namespace fs = std::filesystem;

const std::string kGcd = "def gcd(a, b):\n    while b != 0:\n        a, b = b, a % b\n    if a < 0:\n        return -a\n    return a\n";

struct Folder {
  fs::path path = fs::temp_directory_path() / ("mendel-benchmarks-" + std::to_string(::getpid()));
  Folder() { fs::create_directories(path); }
  ~Folder() { fs::remove_all(path); }
  void write(const std::string& name, const std::string& text) const { std::ofstream(path / name) << text; }
};

}  // namespace

TEST_CASE("a near-duplicate of a benchmark's function is named, other code is not") {
  BenchmarkIndex index(0.7);
  const std::string other = "def lengths(words):\n    seen = {}\n    for word in words:\n        seen.setdefault(len(word), []).append(word)\n    return sorted(seen.items())\n";
  index.add("import math\n\n\n" + kGcd + "\n\n" + other + "\n\nprint(gcd(12, 18))\n", "gcd.py");
  CHECK(index.resembled_by(kGcd) == "gcd.py:gcd");
  CHECK(index.resembled_by("# mine\n" + kGcd) == "gcd.py:gcd");
  CHECK(index.resembled_by("def area(w, h):\n    total = 0\n    for i in range(w):\n        for j in range(h):\n            total += i * j\n    return total").empty());
}

TEST_CASE("texts too short to tell are no evidence") {
  BenchmarkIndex index(0.7);
  index.add("def f(x):\n    return x\n", "f.py");
  CHECK(index.size() == 0);
  CHECK(index.resembled_by("def f(x):\n    return x\n").empty());
}

TEST_CASE("folders are read: Python files, JSON lines, and a prompt with its solution") {
  const Folder folder;
  folder.write("quix.py", kGcd);
  folder.write("eval.jsonl", "{\"prompt\": \"def area(w, h):\\n\", \"canonical_solution\": \"    total = 0\\n    for i in range(w):\\n        for j in range(h):\\n            total += i * j\\n    return total\\n\"}\nnot json\n");
  const auto index = BenchmarkIndex::read({folder.path.string()}, 0.7);
  REQUIRE(index);
  CHECK(index->resembled_by(kGcd).starts_with("quix.py"));
  CHECK(index->resembled_by("def area(w, h):\n    total = 0\n    for i in range(w):\n        for j in range(h):\n            total += i * j\n    return total") == "eval.jsonl:1");
}

TEST_CASE("a folder that is not there or holds no code is told") {
  const auto missing = BenchmarkIndex::read({"/nonexistent/benchmarks"}, 0.7);
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == ErrorCode::not_found);
  const Folder folder;
  folder.write("a.txt", kGcd);
  CHECK_FALSE(BenchmarkIndex::read({folder.path.string()}, 0.7));
  CHECK(BenchmarkIndex::read({}, 0.7));
}
