// A function without what only type checkers and tracebacks read, so that a change of how it is written is told from a
// change of what runs.
#pragma once

#include <string>
#include <string_view>

namespace mendel::miner {

// The tokens of `function`, one space between two and each statement behind the depth of its block, without annotations of parameters, results and variables, the type of
// a cast, what an exception was raised from, a default encoding that is spelt out, comments, line ends, and commas in
// front of a closing bracket; nothing of an overload, which never runs. Not Python any more: made to be compared. Linear time, any text.
std::string what_runs(std::string_view function);

}  // namespace mendel::miner
