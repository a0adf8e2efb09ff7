// What kind of bug an edit mends, told from the tokens it exchanges. A guess for statistics and for the
// balance of the dataset: what no row recognises is class logic, type "other".
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "proto/pair.pb.h"

namespace mendel::miner {

// Texts of the tokens that the fix takes away and puts in, one run of neighbours each, and what stands
// in front of the run.
struct TokenEdit {
  std::vector<std::string_view> removed, added;
  std::string_view before;  // the token in front
  std::string_view after;  // the token behind, on the mended side
  bool whole_statements = false;  // what is put in are lines of their own
  std::string_view keyword;  // if that is '=': the name that is given this value
};

// One row. `is` looks at all edits of a function; the first row that answers true names the bug.
struct EditType {
  const char* name;
  BugClass::Value bug_class;
  const char* description;
  const char* example_buggy;  // statements of a function
  const char* example_fixed;
  bool (*is)(std::span<const TokenEdit> edits);
};

std::span<const EditType> edit_types();

struct Edits {
  std::vector<TokenEdit> tokens;  // empty: only white space and comments differ
  bool blocks = false;  // with empty tokens: statements stand in other blocks, so the program differs
  bool documentation_only = false;  // all that changed are docstrings
};
// Both texts must outlive the answer.
Edits edits_between(std::string_view buggy, std::string_view fixed);

struct Diagnosis {
  BugClass::Value bug_class = BugClass::logic;
  std::string type = "other";
};
// Where no token differs a statement stood in the wrong block. `buggy_parses` false: class syntax, and only the rows of that class are asked. Where no row fits all edits
// together, one that fits each of them alone names the bug: the same slip in several places.
Diagnosis diagnose(const Edits& edits, bool buggy_parses);

}  // namespace mendel::miner
