// Which files of a repository are production code: not tests, documentation, examples, build scripts
// or copies of other projects.
#pragma once

#include <span>
#include <string_view>

namespace mendel::miner {

// One row: a path with a folder or file name as said is not production code.
struct PathRule {
  const char* name;  // what such files are
  const char* folders;  // folder names, lower case, separated by spaces; '*' at either end
  const char* files;  // file names without ".py", likewise
  const char* example;
};

std::span<const PathRule> path_rules();

// The row that says why `path` ('/' separated) is not production code; null if it is.
const PathRule* not_production(std::string_view path);

// True for the row of test files.
bool is_test(const PathRule& rule);

inline bool is_python(std::string_view path) { return path.size() > 3 && path.ends_with(".py"); }

}  // namespace mendel::miner
