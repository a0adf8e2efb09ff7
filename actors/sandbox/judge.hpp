// Decides, outside the sandbox, whether a test tells the two sides of a pair apart.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "actors/sandbox/runner.hpp"
#include "proto/pair.pb.h"

namespace mendel::sandbox {

struct Sides {
  std::string_view buggy, fixed;
};

enum class Standing : std::uint8_t {
  proves,  // the fixed side passed twice, the buggy side failed twice
  fixed_fails,
  buggy_passes,
  faked,  // a side said it had passed, but what must fail did not fail there
  flaky,  // not twice the same
  undecided,  // a limit was met that says more about the machine than about the code
};

struct TestVerdict {
  Standing standing = Standing::undecided;
  std::string detail;  // one sentence
  std::uint32_t runs = 0;
};

// Each side runs twice. A side that used up its processor time has failed only if the other side passed in less than
// a tenth of it: so that a busy or slow machine decides nothing. The test's timeout_ms can only tighten `limits`, the
// wall clock to ten times it. Error: the sandbox failed.
//
// A test that is carried with its project (Test.project) may fail for want of something that could not be carried. So
// `fixed_fails` takes that the fixed side fails by an assertion where the buggy side passes, in a file that does not read the
// clock; whatever else keeps the fixed side from passing, and a faked success, is `undecided`, without a second run. Several
// tests are judged together first, then one by one.
Result<TestVerdict> judge(Runner& runner, const mendel::Test& test, Sides sides, const Limits& limits);

}  // namespace mendel::sandbox
