// From two versions of a file to the functions that a fix changed, each cut out on both sides.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "actors/miner/edit_type.hpp"
#include "actors/syntax/tree.hpp"
#include "proto/result.hpp"

namespace mendel::miner {

struct FunctionPair {
  std::string buggy, fixed;
  std::string symbol;
  Diagnosis bug;
};

struct FilePairs {
  bool small = false;  // at most the allowed number of changed lines
  bool inside_functions = false;  // and all of them in functions that both sides have
  std::vector<FunctionPair> pairs;  // in the order of the file
  const char* reason = "";  // machine word, if there is no pair: see function_pairs.cpp
  std::string detail;
};

struct PairLimits {
  std::uint32_t changed_lines_max = 10, functions_max = 3;
};

// One pair for each function that changed: what a fix does in several functions of a file are several
// pairs, all hunks inside one function are one. More functions than functions_max are no fix of one bug.
// Only the statements around the change are parsed. Blank lines at the edges of a change do not count as changed. A function on both sides is one with
// the same dotted symbol (the n-th of its name, if as many bear it on both sides). Of functions in one
// another the innermost that holds the change is cut. Deterministic.
FilePairs function_pairs(syntax::Parser& parser, std::string_view before, std::string_view after, PairLimits limits);

// The functions that differ between two versions further apart, such as releases: what changed outside of
// functions, or in functions that one side lacks, is passed over, and each function is looked at on its own.
struct FunctionChanges {
  std::uint32_t changed = 0;  // functions of both sides with at least one change
  std::vector<FunctionPair> pairs;  // in the order of the file
  std::vector<const char*> refused;  // why there is none of a changed function: reasons as above
};
FunctionChanges function_changes(syntax::Parser& parser, std::string_view before, std::string_view after, std::uint32_t changed_lines_max);

// UTF-8 without NUL, which is what a pair may hold.
bool is_text(std::string_view bytes);

}  // namespace mendel::miner
