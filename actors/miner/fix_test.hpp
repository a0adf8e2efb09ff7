// The tests that a fix adds or changes, carried with the pair together with what they need of the project: the file of the
// mended function with a place for either side, the test file without its other tests, and every file of the project that
// one of these imports, as they are in the fix (without comments and docstrings). They run as in a checkout of it.
//
// What cannot be carried: files that are no Python, what a build generates, other packages. A test that lacks them fails on
// both sides, which the judge tells from a contradiction; so nothing is asked of a test here but that the fix touched it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "actors/miner/project_files.hpp"
#include "actors/syntax/tree.hpp"
#include "proto/pair.pb.h"

namespace mendel::miner {

struct ChangedTest {
  std::string path, before, after;  // before: empty if the file is new
};

// One changed function, and the file that holds it.
struct FixedFunction {
  std::string_view path, after;  // of the file
  std::string_view symbol, buggy, fixed;  // of the pair
};

// Why there is no test: no_changed_test (none that the fix touched), not_found (the function in its file), too_large.
struct FixTests {
  std::vector<Test> tests;  // one for each test file, in their order
  const char* reason = "";  // if there is none
};

// The texts of all tests together, and of what they need, stay below `bytes_max`. Deterministic.
FixTests fix_tests(syntax::Parser& parser, const FixedFunction& function, const std::vector<ChangedTest>& files, const ReadFile& read, std::size_t bytes_max);

}  // namespace mendel::miner
