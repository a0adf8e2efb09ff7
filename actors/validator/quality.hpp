// How much a pair that passed everything else is worth: a first, documented score.
#pragma once

#include <cstdint>

#include "proto/pair.pb.h"

namespace mendel::validator {

struct QualityInput {
  SourceKind::Value source = SourceKind::unspecified;
  BugClass::Value bug_class = BugClass::unspecified;
  bool known_cause = false;  // an operator or a rule names what was done
  bool has_tests = false;  // brings some that were not run, or something that ran tells the sides apart
  std::uint32_t tokens = 0;  // of the fixed side, comments and line ends left out
  std::uint32_t changed_tokens = 0;  // removed plus added
  std::uint32_t hunks = 0;
  bool no_difference = false;  // calls were made, and both sides behaved alike
};

// 0..1, the weighted mean of
//   0.35  evidence   how sure the source is that this is one bug and its fix: 0.9 linter, 0.8 mutation,
//                    0.6 git, GitHub and releases, 0.4 Stack Overflow, 0.2 unknown; + 0.1 with a named
//                    operator or rule, + 0.2 with tests; - 0.4 for a logic bug that no call could show
//   0.30  smallness  1 - share of changed tokens, none left once half of the text changed; clean samples 1
//   0.15  focus      1 / hunks
//   0.20  context    tokens / 40, at most 1; falls again from 800 to 0.5 at 1,600 tokens
double quality(const QualityInput& input);

}  // namespace mendel::validator
